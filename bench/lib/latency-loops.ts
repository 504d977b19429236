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
  'translation fences': '1: sfence.vma\n ld t0, 0(s0)\n j 1b',
  wfi: '1: wfi\n j 1b',
};
