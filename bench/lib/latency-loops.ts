/** What a hart may be busy with when something is asked of it. All in S-mode under Sv39, M-mode takes the interrupts. */

/** Loops by what they are; each is entered at its start, with `s0` at memory that it may use. */
export const latencyLoops: Readonly<Record<string, string>> = {
  'a jump to itself': '1: j 1b',
  'linked blocks': Array.from(
    { length: 24 },
    (_, i) => `b${i}: addi t0, t0, 1\n j b${(i * 7 + 7) % 24}\n .balign 128`,
  ).join('\n'),
  'calls and returns': `
    1: call 2f
       call 3f
       j 1b
    2: addi t0, t0, 1
       ret
    3: addi t0, t0, 3
       ret`,
  loads: `1: ${Array.from({ length: 32 }, (_, i) => `ld t${i % 6}, ${8 * i}(s0)`).join('\n')}\n j 1b`,
  // Every load is of a page that was not used for long: neither level of a TLB holds it.
  'loads that miss the TLB': `
       li s2, 200 << 30
       li s3, (1 << 30) + 4096
       li s4, 4 << 30
       li s5, 0
       li s6, 255 << 12
    1: add s1, s4, s5
       add s1, s1, s6
    2: ld t0, 0(s1)
       add s1, s1, s3
       bltu s1, s2, 2b
       # Again, a page further: the first 2 MiB of RAM in all.
       li t1, 4096
       add s5, s5, t1
       and s5, s5, s6
       j 1b`,
  'square roots': `
       li t0, 3
       fcvt.d.l fa0, t0
    1: ${'fsqrt.d fa1, fa0\n'.repeat(32)} j 1b`,
  // 256 KiB again and again, in words that step through memory.
  'memory copies': `
       li s2, 0x40000
    1: li t0, 0
    2: add t1, s0, t0
       add t2, t1, s2
       ld t3, 0(t1)
       ld t4, 8(t1)
       sd t3, 0(t2)
       sd t4, 8(t2)
       addi t0, t0, 16
       bltu t0, s2, 2b
       j 1b`,
  'floating point': `
       li t0, 3
       fcvt.d.l fa0, t0
    1: ${'fmadd.d fa1, fa0, fa1, fa0\n fdiv.d fa2, fa1, fa0\n fadd.d fa3, fa2, fa3\n'.repeat(12)} j 1b`,
  // In a rounding mode that the host has not.
  'floating point by software': `
       csrwi frm, 4
       li t0, 3
       fcvt.d.l fa0, t0
    1: ${'fdiv.d fa1, fa0, fa0\n fadd.d fa2, fa1, fa2\n'.repeat(16)} j 1b`,
  divisions: `
       li t0, -7
    1: ${'rem t1, t0, s0\n div t2, t0, s0\n'.repeat(16)} j 1b`,
  'computed jumps': `
    1: la t0, 5f
    2: addi t1, t1, 8
       andi t1, t1, 0x38
       add t2, t0, t1
       jr t2
       .balign 8
    5: ${'j 2b\n .balign 8\n'.repeat(8)}`,
  'atomics on one word': `
       li t0, 1
    1: ${'amoadd.d t1, t0, (s0)\n'.repeat(8)} j 1b`,
  'reservations that fail': `
    1: lr.d t0, (s0)
       sd t1, 0(s0)
       addi t1, t1, 1
       sc.d t2, t1, (s0)
       j 1b`,
  // Each load's address comes out of the one before, in an order that no cache foresees.
  'a chase through a megabyte': `
       li s2, 0x4000
       li t0, 0
       li t3, 0
       # A cycle through all lines: n * 5 + 1 modulo their number.
    1: slli t1, t0, 2
       add t1, t1, t0
       addi t1, t1, 1
       addi t2, s2, -1
       and t1, t1, t2
       slli t2, t0, 6
       add t2, t2, s0
       slli t4, t1, 6
       add t4, t4, s0
       sd t4, 0(t2)
       mv t0, t1
       addi t3, t3, 1
       bltu t3, s2, 1b
       mv t0, s0
    2: ${'ld t0, 0(t0)\n'.repeat(32)} j 2b`,
  'translation fences': '1: sfence.vma\n ld t0, 0(s0)\n j 1b',
  wfi: '1: wfi\n j 1b',
};
