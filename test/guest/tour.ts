import { strict as assert } from 'node:assert';

/** What every tour shows, in this order, on whatever machine it runs. */
const STEPS: readonly RegExp[] = [
  /^nodevisor guest, a small operating system for RISC-V$/m,
  /^ {2}firmware {2}SBI \d+\.\d+, /m,
  /^== 1\. Three modes ==$/m,
  /csrr mstatus {2}trap: scause=2 \(illegal instruction\)/,
  /^== 2\. /m,
  /0x40000000 \.\. 0x40000fff {2}R-X U/,
  /ecall at pc=0x4000000c {2}a7=1: print\(/,
  /trap: scause=8 \(environment call from U-mode\)/,
  /Hello from user mode\./,
  /a0=27 \(result\) {2}sepc=0x40000010 \(past the ecall\) {2}sret to U/,
  /^`hello` ended with exit code 0 after 2 system calls\.$/m,
  /^== 3\. /m,
  /sleep\(a0=0x14\) {2}S {2}scause=8, a0=0, sret/,
  /Good day, Ada\./,
  /^== 4\. /m,
  /load page fault\n.*scause=13 .*stval=0x80200000/,
  /illegal instruction\n.*scause=2 .*stval=0x100027f3/,
  /load page fault\n.*scause=13 .*stval=0x0 /,
  /store page fault\n.*scause=15 /,
  /instruction page fault\n.*scause=12 /,
  /^== 5\. /m,
  /scause=0x8000000000000005 {2}A stopped at pc=0x4000000[0-9a-f], s1=\d+, on with B/,
  /scause=0x8000000000000005 {2}B stopped at pc=0x4000000[0-9a-f], s1=\d+, on with A/,
  /^A ran for \d+\.\d ms, B ran for \d+\.\d ms, by turns\./m,
  /^== 6\. /m,
];

/** Asserts that `output` is a whole tour on a machine with so many harts, with text in sector 0 or without a disk. */
export function assertTour(output: string, harts: number, sectorText?: string): void {
  const text = output.replaceAll('\r', '');
  let at = 0;
  for (const step of STEPS) {
    const found = step.exec(text.slice(at));
    assert.ok(found, `the tour does not show ${step} after:\n${text.slice(Math.max(0, at - 200), at)}\nbut:\n${text}`);
    at += found.index;
  }
  for (let hart = 1; hart < harts; hart++) assert.match(text, new RegExp(`^ {5}hart ${hart} here: S-mode`, 'm'));
  const total = harts * 100_000;
  assert.match(text, new RegExp(`amoadd\\.d +${total} of ${total}$`, 'm'));
  const counted = Number(/load, add, store +(\d+) of/.exec(text)?.[1]);
  assert.ok(counted >= 100_000 && counted <= total, `${counted} of ${total}`);
  if (sectorText === undefined) assert.match(text, /^ {5}no disk$/m);
  else assert.ok(text.includes(`sector 0: "${sectorText}"`), text);
  assert.match(text, /^The end: SBI SRST, shutdown\.$/m);
  assert.doesNotMatch(text, /panic/);
}
