/**
 * Why a vCPU came back from the guest; KVM's `kvm_run.exit_reason`, closed. One object per vCPU is reused: it is valid
 * until the next `run()`. 64-bit values are halves (`lo`, `hi`), unsigned.
 */
export type VcpuExit =
  | { kind: 'mmio-read'; gpa: number; size: 1 | 2 | 4 | 8 }
  | { kind: 'mmio-write'; gpa: number; size: 1 | 2 | 4 | 8; lo: number; hi: number }
  /** An SBI call: extension in a7, function in a6, arguments in a0 … a5, all still in the registers. */
  | { kind: 'sbi'; ext: number; fid: number }
  | { kind: 'wfi' }
  | { kind: 'budget' }
  | { kind: 'kicked' }
  | { kind: 'debug'; pc: bigint }
  | { kind: 'fault'; detail: string };
