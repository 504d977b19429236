#include "virtio_blk.h"

#include "lib.h"
#include "plic.h"
#include "sched.h"
#include "syscall.h"
#include "virtio.h"

#define VIRTIO_BLK_T_IN 0

static const struct device *slot;
static struct virtq queue;
static u16 used_seen;

/* One request at a time: header, data, status, each a descriptor. */
static struct {
    u32 type, reserved;
    u64 sector;
} header;
static volatile u8 status;
static bool busy, done;

static void blk_interrupt(void)
{
    virtio_acknowledge(slot);
    if (__atomic_load_n(&queue.used.index, __ATOMIC_ACQUIRE) != used_seen) {
        used_seen++;
        done = true;
        wake(&queue);
    }
}

void blk_init(void)
{
    for (unsigned i = 0; i < platform.virtio_count && !slot; i++) {
        const struct device *d = &platform.virtio[i];
        if (virtio_type(d) != VIRTIO_ID_BLOCK || !virtio_start(d, VIRTIO_F_VERSION_1, &queue))
            continue;
        slot = d;
        plic_enable(d->irq, blk_interrupt);
    }
}

u64 blk_base(void)
{
    return slot ? slot->base : 0;
}

u64 blk_sectors(void)
{
    return slot ? virtio_config64(slot, 0) : 0;
}

static void submit(u64 sector, void *into)
{
    header.type = VIRTIO_BLK_T_IN;
    header.sector = sector;
    status = 0xff;
    queue.desc[0] = (struct virtq_desc){(u64)&header, sizeof header, VIRTQ_DESC_F_NEXT, 1};
    queue.desc[1] = (struct virtq_desc){(u64)into, SECTOR_BYTES, VIRTQ_DESC_F_NEXT | VIRTQ_DESC_F_WRITE, 2};
    queue.desc[2] = (struct virtq_desc){(u64)&status, 1, VIRTQ_DESC_F_WRITE, 0};
    queue.avail.ring[queue.avail.index % QUEUE_SIZE] = 0;
    /* The device may look as soon as the index moves: everything before must be visible by then. */
    __atomic_store_n(&queue.avail.index, (u16)(queue.avail.index + 1), __ATOMIC_RELEASE);
    asm volatile("fence w, o" : : : "memory");
    virtio_notify(slot);
}

i64 blk_read(u64 sector, void *into)
{
    if (!slot)
        return ERROR_NO_DEVICE;
    if (sector >= blk_sectors())
        return ERROR_INPUT_OUTPUT;
    struct proc *p = this_proc();
    /* The device writes to `into` until it says it is done: even a process that is to end waits for that. */
    p->must_wait = true;
    while (busy)
        sleep_on(&busy, 0);
    busy = true;
    done = false;
    submit(sector, into);
    while (!done)
        sleep_on(&queue, 0);
    busy = false;
    wake(&busy);
    p->must_wait = false;
    return status == 0 ? 0 : ERROR_INPUT_OUTPUT;
}
