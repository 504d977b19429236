#include "virtio.h"

enum {
    MAGIC = 0x000,
    VERSION = 0x004,
    DEVICE_ID = 0x008,
    DEVICE_FEATURES = 0x010,
    DEVICE_FEATURES_SEL = 0x014,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_SEL = 0x024,
    QUEUE_SEL = 0x030,
    QUEUE_NUM_MAX = 0x034,
    QUEUE_NUM = 0x038,
    QUEUE_READY = 0x044,
    QUEUE_NOTIFY = 0x050,
    INTERRUPT_STATUS = 0x060,
    INTERRUPT_ACK = 0x064,
    STATUS = 0x070,
    QUEUE_DESC = 0x080,
    QUEUE_DRIVER = 0x090,
    QUEUE_DEVICE = 0x0a0,
    CONFIG_GENERATION = 0x0fc,
    CONFIG = 0x100,
};

#define MAGIC_VALUE 0x74726976 /* "virt" */
#define STATUS_ACKNOWLEDGE 1
#define STATUS_DRIVER 2
#define STATUS_DRIVER_OK 4
#define STATUS_FEATURES_OK 8

static u32 get(const struct device *slot, u32 offset)
{
    return *(volatile u32 *)(slot->base + offset);
}

static void set(const struct device *slot, u32 offset, u32 value)
{
    *(volatile u32 *)(slot->base + offset) = value;
}

static void set64(const struct device *slot, u32 offset, u64 value)
{
    set(slot, offset, (u32)value);
    set(slot, offset + 4, (u32)(value >> 32));
}

int virtio_type(const struct device *slot)
{
    if (get(slot, MAGIC) != MAGIC_VALUE || get(slot, VERSION) != 2)
        return -1;
    return (int)get(slot, DEVICE_ID);
}

static void add_status(const struct device *slot, u32 bits)
{
    set(slot, STATUS, get(slot, STATUS) | bits);
}

static bool negotiate(const struct device *slot, u64 wanted)
{
    u64 offered = 0;
    for (u32 half = 0; half < 2; half++) {
        set(slot, DEVICE_FEATURES_SEL, half);
        offered |= (u64)get(slot, DEVICE_FEATURES) << 32 * half;
    }
    u64 accepted = offered & wanted;
    for (u32 half = 0; half < 2; half++) {
        set(slot, DRIVER_FEATURES_SEL, half);
        set(slot, DRIVER_FEATURES, (u32)(accepted >> 32 * half));
    }
    add_status(slot, STATUS_FEATURES_OK);
    return (accepted & VIRTIO_F_VERSION_1) && (get(slot, STATUS) & STATUS_FEATURES_OK);
}

/* The order of steps is section 3.1.1's. */
bool virtio_start(const struct device *slot, u64 wanted, struct virtq *queue)
{
    set(slot, STATUS, 0);
    add_status(slot, STATUS_ACKNOWLEDGE);
    add_status(slot, STATUS_DRIVER);
    if (!negotiate(slot, wanted))
        return false;
    set(slot, QUEUE_SEL, 0);
    if (get(slot, QUEUE_READY) || get(slot, QUEUE_NUM_MAX) < QUEUE_SIZE)
        return false;
    set(slot, QUEUE_NUM, QUEUE_SIZE);
    set64(slot, QUEUE_DESC, (u64)queue->desc);
    set64(slot, QUEUE_DRIVER, (u64)&queue->avail);
    set64(slot, QUEUE_DEVICE, (u64)&queue->used);
    set(slot, QUEUE_READY, 1);
    add_status(slot, STATUS_DRIVER_OK);
    return true;
}

void virtio_notify(const struct device *slot)
{
    set(slot, QUEUE_NOTIFY, 0);
}

void virtio_acknowledge(const struct device *slot)
{
    set(slot, INTERRUPT_ACK, get(slot, INTERRUPT_STATUS));
}

u64 virtio_config64(const struct device *slot, u32 offset)
{
    u32 generation, low, high;
    do {
        generation = get(slot, CONFIG_GENERATION);
        low = get(slot, CONFIG + offset);
        high = get(slot, CONFIG + offset + 4);
    } while (generation != get(slot, CONFIG_GENERATION));
    return (u64)high << 32 | low;
}
