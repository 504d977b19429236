import { type HartState, hartWord } from '../cpu/index.ts';
import { csrs, Exception, HartConfig, type HartField, HsmState, hartLayout, Interrupt, Priv } from '../isa/index.ts';

/** Fields that a reset leaves alone: statistics, requests under way, and what devices drive. */
const kept: ReadonlySet<string> = new Set<HartField>([
  'attention',
  'inGuest',
  'irqLines',
  'codeEpoch',
  'retired',
  'exitKinds',
  'cpuTimeNs',
]);

const NEVER = 0xffff_ffff_ffff_ffffn;

/**
 * Puts a hart in its state after reset (Privileged spec 3.4): M-mode, all else as the CSR table says or zero, timers
 * that never fire. For a hart that no thread runs; its vCPU must be invalidated before it does again.
 */
export function resetHart(state: HartState): void {
  for (const { name, type, count } of hartLayout.fields) {
    if (kept.has(name)) continue;
    const words = (type === 'u64' ? 2 : 1) * count;
    const at = hartWord[name as HartField];
    for (let i = 0; i < words; i++) Atomics.store(state.words, at + i, 0);
  }
  for (const { storage, reset } of csrs) {
    if (storage.kind === 'state' && reset !== 0n) state.set(storage.field, reset, storage.index);
  }
  state.set('mhartid', BigInt(state.id));
  state.set('mtimecmp', NEVER);
  state.set('stimecmp', NEVER);
  state.set32('priv', Priv.M);
}

/** Exceptions that a supervisor under the built-in firmware gets itself: all but its own calls. */
const delegatedExceptions = [
  Exception.INSTRUCTION_ADDRESS_MISALIGNED,
  Exception.INSTRUCTION_ACCESS_FAULT,
  Exception.ILLEGAL_INSTRUCTION,
  Exception.BREAKPOINT,
  Exception.LOAD_ADDRESS_MISALIGNED,
  Exception.LOAD_ACCESS_FAULT,
  Exception.STORE_ADDRESS_MISALIGNED,
  Exception.STORE_ACCESS_FAULT,
  Exception.ECALL_FROM_U,
  Exception.INSTRUCTION_PAGE_FAULT,
  Exception.LOAD_PAGE_FAULT,
  Exception.STORE_PAGE_FAULT,
];

const delegatedInterrupts = [Interrupt.SSI, Interrupt.STI, Interrupt.SEI];

function bits(numbers: readonly number[]): bigint {
  return numbers.reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n);
}

/** menvcfg: STCE, PBMTE, ADUE, CBZE, CBCFE and CBIE = 1 (cbo.inval flushes). */
const MENVCFG_ALL = (1n << 63n) | (1n << 62n) | (1n << 61n) | (1n << 7n) | (1n << 6n) | (1n << 4n);
/** mstateen0: SE and ENVCFG; the others have SE alone. */
const MSTATEEN_SE = 1n << 63n;
const MSTATEEN0_ENVCFG = 1n << 62n;
/** pmpcfg0 entry 0: NAPOT over all addresses, RWX. */
const PMP_NAPOT_RWX = 0x1fn;
const PMP_ALL = (1n << 54n) - 1n;

/**
 * On top of `resetHart`: what M-mode firmware sets up before it enters a supervisor, for the built-in firmware, which
 * has no instructions of its own. Everything is delegated, ECALL from S-mode leaves the guest.
 */
export function delegateToSupervisor(state: HartState): void {
  state.set('medeleg', bits(delegatedExceptions));
  state.set('mideleg', bits(delegatedInterrupts));
  state.set('mcounteren', 0xffff_ffffn);
  // Cycle, time and instret are open to user mode until the supervisor closes them, as under other firmware.
  state.set('scounteren', 7n);
  state.set('menvcfg', MENVCFG_ALL);
  for (let i = 0; i < 4; i++) state.set('mstateen', i === 0 ? MSTATEEN_SE | MSTATEEN0_ENVCFG : MSTATEEN_SE, i);
  state.set('pmpaddr', PMP_ALL, 0);
  state.set('pmpcfg', PMP_NAPOT_RWX, 0);
  state.set32('hartConfig', HartConfig.SBI_EXIT);
  state.set32('hartStatus', HsmState.STOPPED);
  state.set32('priv', Priv.S);
}
