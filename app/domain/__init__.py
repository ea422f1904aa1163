"""Values that every part of Cove speaks in. No I/O, no clocks but `ids`, nothing imported from the rest."""
