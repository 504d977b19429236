/** What the host and our machines can do: the ground for `validateDomain` and the capabilities documents. */

/** Facts of one host. */
export interface HostCapabilities {
  /** Of the host; always the same one. */
  uuid: string;
  /** The host's architecture as Linux calls it: `x86_64`, `aarch64` … */
  arch: string;
  /** CPUs of the host. */
  cpus: number;
  memoryKib: number;
  /** NUMA cells; absent: there is one with all of it. */
  cells?: readonly { readonly memoryKib: number; readonly cpus: readonly number[] }[];
  /** Path of the program that runs machines. */
  emulator: string;
  /** The most vCPUs and memory that a machine can have. */
  maxVcpus: number;
  maxMemoryKib: number;
}
