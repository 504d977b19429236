#include "uart.h"

#include "console.h"
#include "platform.h"
#include "plic.h"

enum { RBR = 0, THR = 0, IER = 1, FCR = 2, LCR = 3, MCR = 4, LSR = 5 };

#define IER_RECEIVED 1
#define FCR_ENABLE 1
#define LCR_8N1 3
#define MCR_DTR_RTS_OUT2 0x0b
#define LSR_DATA_READY 1
#define LSR_THR_EMPTY 0x20
#define FIFO_BYTES 16

static volatile u8 *registers(void)
{
    return (volatile u8 *)platform.uart.base;
}

static void uart_interrupt(void)
{
    while (registers()[LSR] & LSR_DATA_READY)
        console_receive((char)registers()[RBR]);
}

bool uart_present(void)
{
    return platform.uart.base != 0;
}

void uart_init(void)
{
    if (!uart_present())
        return;
    registers()[LCR] = LCR_8N1;
    /* What was typed before the start is not lost: switching the FIFO on would clear it. */
    uart_interrupt();
    registers()[FCR] = FCR_ENABLE;
    registers()[MCR] = MCR_DTR_RTS_OUT2;
    registers()[IER] = IER_RECEIVED;
    plic_enable(platform.uart.irq, uart_interrupt);
}

void uart_write(const char *text, size_t count)
{
    while (count > 0) {
        while (!(registers()[LSR] & LSR_THR_EMPTY))
            ;
        /* An empty transmitter takes a whole FIFO of bytes. */
        for (unsigned room = FIFO_BYTES; room > 0 && count > 0; room--, count--)
            registers()[THR] = (u8)*text++;
    }
}
