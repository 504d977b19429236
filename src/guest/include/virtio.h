/* virtio over memory-mapped registers (virtio 1.2, section 4.2), and one split virtqueue (section 2.7). */
#pragma once

#include "platform.h"

#define VIRTIO_ID_BLOCK 2
#define VIRTIO_F_VERSION_1 (1UL << 32)
#define QUEUE_SIZE 8

struct virtq_desc {
    u64 address;
    u32 length;
    u16 flags;
    u16 next;
};

#define VIRTQ_DESC_F_NEXT 1
#define VIRTQ_DESC_F_WRITE 2

struct virtq_avail {
    u16 flags, index;
    u16 ring[QUEUE_SIZE];
    u16 used_event;
};

struct virtq_used {
    u16 flags, index;
    struct {
        u32 id, length;
    } ring[QUEUE_SIZE];
    u16 avail_event;
};

struct virtq {
    struct virtq_desc desc[QUEUE_SIZE] __attribute__((aligned(16)));
    struct virtq_avail avail;
    struct virtq_used used __attribute__((aligned(4)));
};

/* Device type in that slot: 0 none; -1: not virtio, or the legacy interface that nobody needs any more. */
int virtio_type(const struct device *slot);

/* Resets the device, negotiates `wanted` features and gives it queue 0. False if it will not have that. */
bool virtio_start(const struct device *slot, u64 wanted, struct virtq *queue);

void virtio_notify(const struct device *slot);
/* Tells the device that its interrupt was seen. */
void virtio_acknowledge(const struct device *slot);
/* A 64-bit field of the device's configuration. */
u64 virtio_config64(const struct device *slot, u32 offset);
