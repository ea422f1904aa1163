"""Memory as llama.cpp's log tells it."""

from __future__ import annotations

from app.domain.engine import Buffer, BufferKind
from app.engine.worker.buffers import buffers_of, cache_bytes

MIB = 1024 * 1024
LINES = (
    "print_info: file size   = 235.16 MiB (7.36 BPW) ",
    "load_tensors:   CPU_Mapped model buffer size =   222.50 MiB",
    "load_tensors:   CPU_REPACK model buffer size =    12.66 MiB",
    "load_tensors:      Vulkan0 model buffer size =   100.00 MiB",
    "llama_context: Vulkan_Host  output buffer size =     4.00 MiB",
    "llama_kv_cache_iswa: creating non-SWA KV cache, size = 4096 cells",
    "llama_kv_cache:    Vulkan0 KV buffer size =    12.00 MiB",
    "llama_kv_cache: size =   12.00 MiB (  4096 cells,   3 layers,  4/1 seqs), K (f16):    6.00 MiB",
    "llama_kv_cache:    Vulkan0 KV buffer size =    37.50 MiB",
    "llama_kv_cache: size =   37.50 MiB (  2560 cells,  15 layers,  4/1 seqs), K (f16):   18.75 MiB",
    "llama_memory_recurrent:        CPU RS buffer size =     0.50 MiB",
    "llama_memory_recurrent: size =    0.50 MiB (     4 cells,   4 layers,  4 seqs  0 rs_seq), R (f32)",
    "sched_reserve:    Vulkan0 compute buffer size =    62.50 MiB",
    "sched_reserve: Vulkan_Host compute buffer size =    10.00 MiB",
    "sched_reserve:        CPU compute buffer size =     1.00 MiB",
)


def test_each_device_has_one_buffer_of_a_kind():
    found = {(buffer.device, buffer.kind): buffer.size_bytes / MIB for buffer in buffers_of(LINES)}
    assert found == {
        ("CPU", BufferKind.WEIGHTS): 222.5,
        ("CPU", BufferKind.REPACKED): round(12.66 * MIB) / MIB,
        ("Vulkan0", BufferKind.WEIGHTS): 100,
        ("CPU", BufferKind.OUTPUT): 4,
        ("Vulkan0", BufferKind.KV): 49.5,
        ("CPU", BufferKind.KV): 0.5,
        ("Vulkan0", BufferKind.COMPUTE): 62.5,
        ("CPU", BufferKind.COMPUTE): 11,
    }


def test_the_sum_of_all_caches():
    assert cache_bytes(LINES) == 50 * MIB


def test_nothing_said_is_nothing_found():
    assert buffers_of(("llama_model_loader: loaded meta data",)) == ()
    assert cache_bytes(()) == 0
    assert buffers_of(("x: CPU model buffer size = 1.00 MiB",)) == (
        Buffer(device="CPU", kind=BufferKind.WEIGHTS, size_bytes=MIB),
    )
