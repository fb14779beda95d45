/* metadata.c - see metadata.h. */
#include "metadata.h"
#include "../base/lock.h"
#include "../os/os.h"

enum { METADATA_BLOCK = 256 << 10 };

static struct {
    struct lock lock;
    char *at, *end;  /* lock */
    uint64_t mapped; /* lock */
} metadata = {.lock = LOCK_INIT(METADATA)};

static bool metadata_refill(size_t bytes) {
    size_t block = bytes > METADATA_BLOCK ? round_up(bytes, trix_os_page) : METADATA_BLOCK;
    char *at = trix_os_map(block);
    if (!at) return false;
    trix_os_name(at, block, "tricolor: metadata");
    metadata.at = at;
    metadata.end = at + block;
    metadata.mapped += block;
    return true;
}

void *trix_metadata_alloc(size_t bytes) {
    bytes = round_up(bytes, 16);
    lock_acquire(&metadata.lock);
    void *result = NULL;
    if ((size_t)(metadata.end - metadata.at) >= bytes || metadata_refill(bytes)) {
        result = metadata.at;
        metadata.at += bytes;
    }
    lock_release(&metadata.lock);
    return result;
}

uint64_t trix_metadata_bytes(void) {
    lock_acquire(&metadata.lock);
    uint64_t mapped = metadata.mapped;
    lock_release(&metadata.lock);
    return mapped;
}
