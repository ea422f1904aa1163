/* Preloaded into a real engine child: makes reading a *.gguf slow or endless, and native code noisy.
 *
 *   SHIM_READ_MS=N       every large read of a .gguf takes N milliseconds longer, without using the CPU
 *   SHIM_STALL_AFTER=N   the N-th large read never returns
 *   SHIM_NOISE=1         from the first large read on, prints to standard output by both of C's ways, also in
 *                        the middle of decoding (ggml asks for the time there)
 *   SHIM_ONCE=PATH       only the process that removes this file does any of it; those after it behave
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LARGE 65536

static atomic_int large_reads;

static int setting(const char *name) {
    const char *value = getenv(name);
    return value ? atoi(value) : 0;
}

static int is_gguf(FILE *stream) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fileno(stream));
    ssize_t length = readlink(link, path, sizeof path - 1);
    return length > 5 && memcmp(path + length - 5, ".gguf", 5) == 0;
}

static int is_chosen(void) {
    static atomic_int chosen = -1;
    if (atomic_load(&chosen) < 0) {
        const char *once = getenv("SHIM_ONCE");
        atomic_store(&chosen, !once || unlink(once) == 0);
    }
    return atomic_load(&chosen);
}

static void make_noise(void) {
    static const char words[] = "noise from native code\n";
    printf("%s", words);
    fflush(stdout);
    if (write(1, words, sizeof words - 1) < 0) abort();
}

size_t fread(void *target, size_t size, size_t count, FILE *stream) {
    static size_t (*real)(void *, size_t, size_t, FILE *);
    if (!real) real = (size_t (*)(void *, size_t, size_t, FILE *)) dlsym(RTLD_NEXT, "fread");
    if (size * count >= LARGE && is_gguf(stream) && is_chosen()) {
        int number = atomic_fetch_add(&large_reads, 1) + 1;
        int stall_after = setting("SHIM_STALL_AFTER");
        if (stall_after && number >= stall_after) for (;;) pause();
        usleep(1000 * setting("SHIM_READ_MS"));
    }
    return real(target, size, count, stream);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    static atomic_int calls;
    if (!real) real = (int (*)(clockid_t, struct timespec *)) dlsym(RTLD_NEXT, "clock_gettime");
    if (atomic_load(&large_reads) && setting("SHIM_NOISE") && atomic_fetch_add(&calls, 1) % 200 == 0) make_noise();
    return real(clock, now);
}
