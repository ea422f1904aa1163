"""System call filters: what a process gives up asking the kernel for. Linux.

A refused call fails with "not permitted"; nothing is killed. Two filters: `everyday` takes away what no
computing needs and what attacks are made of, `bare` leaves only what Python needs to compute.
"""

from __future__ import annotations

import ctypes
import errno
import struct

from app.engine.worker.syscalls import Machine, Syscall

# A call's name, its number on x86-64, its number on ARM64 (-1: not there).
_NETWORK = """
    socket 41 198  socketpair 53 199  connect 42 203  bind 49 200  listen 50 201  accept 43 202
    accept4 288 242  io_uring_setup 425 425  io_uring_enter 426 426  io_uring_register 427 427
"""  # the last three make and connect sockets without the first
_OTHERS = """
    ptrace 101 117  process_vm_readv 310 270  process_vm_writev 311 271  pidfd_getfd 438 438  kcmp 312 272
    shmget 29 194  shmat 30 196  semget 64 190  msgget 68 186  mq_open 240 180
    add_key 248 217  request_key 249 218  keyctl 250 219
    bpf 321 280  perf_event_open 298 241  userfaultfd 323 282
    mount 165 40  umount2 166 39  pivot_root 155 41  chroot 161 51  unshare 272 97  setns 308 268
    open_tree 428 428  move_mount 429 429  mount_setattr 442 442  open_by_handle_at 304 265
    fsopen 430 430  fsconfig 431 431  fsmount 432 432  fspick 433 433
    init_module 175 105  finit_module 313 273  delete_module 176 106  kexec_load 246 104
    kexec_file_load 320 294  reboot 169 142  swapon 167 224  swapoff 168 225
    truncate 76 45  chmod 90 -1  fchmod 91 52  fchmodat 268 53  fchmodat2 452 452
    chown 92 -1  lchown 94 -1  fchown 93 55  fchownat 260 54
    setxattr 188 5  lsetxattr 189 6  fsetxattr 190 7  removexattr 197 14  lremovexattr 198 15
    fremovexattr 199 16
"""  # other processes and memory shared with them; keys; ways that break-ins took; what administrators do;
# and what Landlock does not guard: rights and owners of files, in the first versions emptying them
_COMPUTING = """
    read 0 63  write 1 64  readv 19 65  writev 20 66  close 3 57  fstat 5 80  lseek 8 62  fcntl 72 25
    poll 7 -1  ppoll 271 73
    mmap 9 222  munmap 11 215  mprotect 10 226  mremap 25 216  madvise 28 233  brk 12 214
    futex 202 98  membarrier 324 283  rseq 334 293  sched_yield 24 124  getrandom 318 278
    rt_sigaction 13 134  rt_sigprocmask 14 135  rt_sigreturn 15 139  sigaltstack 131 132  tgkill 234 131
    getpid 39 172  gettid 186 178  getrlimit 97 163  setrlimit 160 164  prlimit64 302 261
    clock_gettime 228 113  clock_getres 229 114  clock_nanosleep 230 115  nanosleep 35 101
    gettimeofday 96 169  getrusage 98 165  times 100 153  restart_syscall 219 128
    exit 60 93  exit_group 231 94
"""  # all that a Python which has its modules needs to read a pipe, compute, and write to a pipe
_CLONE, _CLONE3 = (56, 220), (435, 435)
_OPEN, _OPENAT, _OPENAT2 = (2, -1), (257, 56), (437, 437)
_ACCESS_MODE, _TRUNCATE = 0o3, 0o1000
_NEW_NAMESPACES = 0x7E020000  # CLONE_NEW*

_X32 = 0x40000000  # numbers from here on are x86-64's third way of calling
_LOAD, _AND, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCH_AT, _ARGUMENTS_AT = 0, 4, (16, 24, 32)
_ALLOW = 0x7FFF0000
_FAIL = 0x00050000
_SET_MODE_FILTER = 1
# All threads at once; and without the brakes against Spectre that cost speed, for nothing secret is here.
_FLAGS = 1 | 4

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if not, value


def everyday(machine: Machine, *, may_network: bool = False) -> list[Instruction]:
    """Returns the filter of an engine child."""
    denied = _OTHERS if may_network else _OTHERS + _NETWORK
    body = [
        *_not_emptied(machine, _OPEN, _ARGUMENTS_AT[1]),
        *_not_emptied(machine, _OPENAT, _ARGUMENTS_AT[2]),
        *_answered(machine, _OPENAT2, _FAIL | errno.ENOSYS),  # hides its flags; `openat` is used instead
        *_answered(
            machine, _CLONE3, _FAIL | errno.ENOSYS
        ),  # its flags are out of reach: `clone` is used then
        # Threads and processes, but none in namespaces of its own, where it would be the administrator.
        (_EQUAL, 0, 3, _CLONE[machine.column]),
        (_LOAD, 0, 0, _ARGUMENTS_AT[0]),
        (_ANY_BIT, 0, 1, _NEW_NAMESPACES),
        (_RETURN, 0, 0, _FAIL | errno.EPERM),
        (_LOAD, 0, 0, _NUMBER_AT),
    ]
    return [*_head(machine), *body, *_listed(machine, denied, _FAIL | errno.EPERM, _ALLOW)]


def bare(machine: Machine) -> list[Instruction]:
    """Returns the filter of a process that only computes: no files, no programs, no processes."""
    return [*_head(machine), *_listed(machine, _COMPUTING, _ALLOW, _FAIL | errno.EPERM)]


def install(program: list[Instruction], machine: Machine, call: Syscall) -> int:
    """Puts the filter in force for ever. Returns 0 or an error's number with a minus sign. Needs
    `drop_privileges`."""
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    instructions = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("@HP", len(program), ctypes.addressof(instructions))
    result = call(machine.seccomp, _SET_MODE_FILTER, _FLAGS, ctypes.create_string_buffer(header, len(header)))
    return -errno.EPERM if result > 0 else result  # the number of a thread that could not be confined


def _head(machine: Machine) -> list[Instruction]:
    """Refuses calls made in another way than this processor's, whose numbers mean something else."""
    return [
        (_LOAD, 0, 0, _ARCH_AT),
        (_EQUAL, 1, 0, machine.audit_arch),
        (_RETURN, 0, 0, _FAIL | errno.EPERM),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _FAIL | errno.EPERM),
    ]


def _not_emptied(machine: Machine, number: tuple[int, int], flags_at: int) -> list[Instruction]:
    """Refuses to open a file so that it is emptied though it was not opened for writing, which the first
    versions of Landlock do not see."""
    if number[machine.column] < 0:
        return []
    return [
        (_EQUAL, 0, 6, number[machine.column]),
        (_LOAD, 0, 0, flags_at),
        (_AND, 0, 0, _TRUNCATE | _ACCESS_MODE),
        (_EQUAL, 1, 0, _TRUNCATE),
        (_EQUAL, 0, 1, _TRUNCATE | _ACCESS_MODE),
        (_RETURN, 0, 0, _FAIL | errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]


def _answered(machine: Machine, number: tuple[int, int], answer: int) -> list[Instruction]:
    return [(_EQUAL, 0, 1, number[machine.column]), (_RETURN, 0, 0, answer)]


def _listed(machine: Machine, calls: str, answer: int, otherwise: int) -> list[Instruction]:
    numbers = [pair[machine.column] for pair in numbered(calls).values() if pair[machine.column] >= 0]
    # Each jumps over the rest of them and the first of the two returns.
    tests = [(_EQUAL, len(numbers) - place, 0, number) for place, number in enumerate(numbers)]
    return [*tests, (_RETURN, 0, 0, otherwise), (_RETURN, 0, 0, answer)]


def numbered(calls: str) -> dict[str, tuple[int, int]]:
    """Returns the numbers of a table by name."""
    words = iter(calls.split())
    return {name: (int(x86_64), int(arm64)) for name, x86_64, arm64 in zip(words, words, words, strict=True)}
