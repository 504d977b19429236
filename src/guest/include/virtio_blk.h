/* The first virtio block device (virtio 1.2, section 5.2): reading sectors. */
#pragma once

#include "types.h"

void blk_init(void);
/* Address of its registers, 0: there is no disk. */
u64 blk_base(void);
/* Size in sectors of 512 bytes. */
u64 blk_sectors(void);
/* Reads one sector into memory of the kernel; sleeps until it is there. 0 or an error of syscall.h. */
i64 blk_read(u64 sector, void *into);
