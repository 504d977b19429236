/** Small programs without end for one bare hart, in M-mode from the start of RAM; s11 counts their rounds. */

/** RAM that a workload may use behind its code: 1 MiB at this distance from the start of RAM. */
const DATA = 0x8010_0000;

const sieve = `
  start:
    li s0, ${DATA}
    li s1, 8192
  fill:
    mv a0, s0
    add a1, s0, s1
    li a2, 1
  1: sb a2, 0(a0)
    addi a0, a0, 1
    bne a0, a1, 1b
    li a3, 2
  outer:
    add a4, s0, a3
    lbu a5, 0(a4)
    beqz a5, 2f
    slli a6, a3, 1
    bgeu a6, s1, 2f
  1: add a7, s0, a6
    sb zero, 0(a7)
    add a6, a6, a3
    bltu a6, s1, 1b
  2: addi a3, a3, 1
    bltu a3, s1, outer
    addi s11, s11, 1
    j fill`;

const fib = `
    li sp, ${DATA}
  again:
    li a0, 20
    call fib
    addi s11, s11, 1
    j again
  fib:
    addi sp, sp, -32
    sd ra, 24(sp)
    sd s0, 16(sp)
    sd s1, 8(sp)
    mv s0, a0
    li a5, 1
    bleu a0, a5, 1f
    addi a0, a0, -1
    call fib
    mv s1, a0
    addi a0, s0, -2
    call fib
    add s0, s1, a0
  1: mv a0, s0
    ld ra, 24(sp)
    ld s0, 16(sp)
    ld s1, 8(sp)
    addi sp, sp, 32
    ret`;

const matmul = `
    li s0, ${DATA}
    li s1, ${DATA + 0x8000}
    li s2, ${DATA + 0x10000}
  again:
    li t0, 0
  row:
    li t1, 0
  column:
    slli a0, t0, 8
    add a0, a0, s0
    slli a1, t1, 3
    add a1, a1, s1
    li a2, 0
    li a3, 32
  1: ld a4, 0(a0)
    ld a5, 0(a1)
    mul a4, a4, a5
    add a2, a2, a4
    addi a0, a0, 8
    addi a1, a1, 256
    addiw a3, a3, -1
    bnez a3, 1b
    slli a6, t0, 8
    slli a7, t1, 3
    add a6, a6, a7
    add a6, a6, s2
    sd a2, 0(a6)
    addi t1, t1, 1
    slti a6, t1, 32
    bnez a6, column
    addi t0, t0, 1
    slti a6, t0, 32
    bnez a6, row
    addi s11, s11, 1
    j again`;

const memcpy = `
    li s0, ${DATA}
    li s1, ${DATA + 0x40000}
  again:
    mv a0, s0
    mv a1, s1
    li a2, 4096
  1: ld a3, 0(a0)
    ld a4, 8(a0)
    ld a5, 16(a0)
    ld a6, 24(a0)
    sd a3, 0(a1)
    sd a4, 8(a1)
    sd a5, 16(a1)
    sd a6, 24(a1)
    addi a0, a0, 32
    addi a1, a1, 32
    addi a2, a2, -1
    bnez a2, 1b
    addi s11, s11, 1
    j again`;

const quicksort = `
    li sp, ${DATA}
    li s0, ${DATA}
    li s2, 12345
  again:
    # 1024 pseudo-random words
    mv a0, s0
    li a1, 1024
    li a3, 1103515245
    li a4, 12345
  1: mulw s2, s2, a3
    addw s2, s2, a4
    srliw a2, s2, 8
    sw a2, 0(a0)
    addi a0, a0, 4
    addi a1, a1, -1
    bnez a1, 1b
    mv a0, s0
    li a1, ${DATA + 4092}
    call sort
    addi s11, s11, 1
    j again
  sort:
    # a0: first, a1: last element
    bgeu a0, a1, 9f
    addi sp, sp, -32
    sd ra, 0(sp)
    sd a1, 8(sp)
    lw t0, 0(a1)
    mv t1, a0
    mv t2, a0
  2: bgeu t2, a1, 4f
    lw t3, 0(t2)
    bge t3, t0, 3f
    lw t4, 0(t1)
    sw t3, 0(t1)
    sw t4, 0(t2)
    addi t1, t1, 4
  3: addi t2, t2, 4
    j 2b
  4: lw t3, 0(t1)
    sw t0, 0(t1)
    sw t3, 0(a1)
    sd t1, 16(sp)
    addi a1, t1, -4
    call sort
    ld t1, 16(sp)
    ld a1, 8(sp)
    addi a0, t1, 4
    call sort
    ld ra, 0(sp)
    addi sp, sp, 32
  9: ret`;

/** A stack machine: fetch, bounds check, jump through a table. */
const bytecode = `
    la s0, table
    li s2, ${DATA}
  again:
    la s1, program
    mv s3, s2
    li s4, 1000
  next:
    lbu a0, 0(s1)
    addi s1, s1, 1
    li a1, 6
    bgeu a0, a1, again
    slli a0, a0, 2
    add a0, a0, s0
    lw a0, 0(a0)
    add a0, a0, s0
    jr a0
  push:
    lb a1, 0(s1)
    addi s1, s1, 1
    sd a1, 0(s3)
    addi s3, s3, 8
    j next
  plus:
    ld a1, -8(s3)
    ld a2, -16(s3)
    add a1, a1, a2
    addi s3, s3, -8
    sd a1, -8(s3)
    j next
  times:
    ld a1, -8(s3)
    ld a2, -16(s3)
    mul a1, a1, a2
    addi s3, s3, -8
    sd a1, -8(s3)
    j next
  dup:
    ld a1, -8(s3)
    sd a1, 0(s3)
    addi s3, s3, 8
    j next
  drop:
    addi s3, s3, -8
    j next
  loop:
    addi s4, s4, -1
    addi s11, s11, 1
    la s1, program
    bnez s4, next
    j again
    .balign 4
  table:
    .word push - table, plus - table, times - table, dup - table, drop - table, loop - table
  program:
    .byte 0, 3, 0, 5, 1, 3, 2, 0, 7, 3, 1, 2, 4, 0, 1, 3, 3, 1, 1, 4, 5`;

/** Rounds like those of SHA-256: 32-bit rotations, sums, choice and majority. */
const sha = `
    li s0, ${DATA}
    li a0, 0x6a09e667
    li a1, 0xbb67ae85
    li a2, 0x3c6ef372
    li a3, 0xa54ff53a
    li a4, 0x510e527f
    li a5, 0x9b05688c
    li a6, 0x1f83d9ab
    li a7, 0x5be0cd19
  again:
    mv s1, s0
    li s2, 64
  1: lw t0, 0(s1)
    srliw t1, a4, 6
    slliw t2, a4, 26
    or t1, t1, t2
    srliw t2, a4, 11
    slliw t3, a4, 21
    or t2, t2, t3
    xor t1, t1, t2
    srliw t2, a4, 25
    slliw t3, a4, 7
    or t2, t2, t3
    xor t1, t1, t2
    and t2, a4, a5
    not t3, a4
    and t3, t3, a6
    xor t2, t2, t3
    addw t0, t0, t1
    addw t0, t0, t2
    addw t0, t0, a7
    srliw t1, a0, 2
    slliw t2, a0, 30
    or t1, t1, t2
    srliw t2, a0, 13
    slliw t3, a0, 19
    or t2, t2, t3
    xor t1, t1, t2
    and t2, a0, a1
    and t3, a0, a2
    xor t2, t2, t3
    and t3, a1, a2
    xor t2, t2, t3
    addw t1, t1, t2
    mv a7, a6
    mv a6, a5
    mv a5, a4
    addw a4, a3, t0
    mv a3, a2
    mv a2, a1
    mv a1, a0
    addw a0, t0, t1
    addi s1, s1, 4
    addi s2, s2, -1
    bnez s2, 1b
    addi s11, s11, 1
    j again`;

/** Calls across many pages, as an operating system's code is spread: little fits into one loop. */
const scattered = `
    li sp, ${DATA}
  again:
    li s10, 64
    la s9, first
  1: jalr s9
    li t0, 4096
    add s9, s9, t0
    addi s10, s10, -1
    bnez s10, 1b
    addi s11, s11, 1
    j again
    ${Array.from(
      { length: 64 },
      (_, i) => `
    .balign 4096
    ${i === 0 ? 'first:' : ''}
    addi sp, sp, -32
    sd ra, 24(sp)
    sd s0, 16(sp)
    addi s0, sp, 32
    li t1, ${i * 37}
    xor t2, t1, s10
    sd t2, 0(sp)
    andi t3, t2, ${1 + (i % 7)}
    beqz t3, 2f
    slli t2, t2, ${1 + (i % 5)}
    sub t2, t2, t1
    ld t4, 0(sp)
    add t2, t2, t4
  2: sltu t5, t2, t1
    add a0, a0, t5
    ld ra, 24(sp)
    ld s0, 16(sp)
    addi sp, sp, 32
    ret`,
    ).join('')}`;

/** Assembly source by name. */
export const cpuWorkloads: Readonly<Record<string, string>> = {
  sieve,
  fib,
  matmul,
  memcpy,
  quicksort,
  bytecode,
  sha,
  scattered,
};
