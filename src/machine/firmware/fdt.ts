/** A node of a flattened device tree under construction (Devicetree Specification v0.4). */
export interface FdtNode {
  /** Adds a child; `name` includes the unit address (`serial@10000000`). */
  child(name: string): FdtNode;
  /** Adds a property: nothing (empty), strings (NUL-separated list), cells (big-endian u32), or raw bytes. */
  set(name: string, value?: string | readonly string[] | readonly number[] | Uint8Array): this;
  /** Adds a property of 64-bit cells, each two u32: `reg` with #address-cells = #size-cells = 2. */
  set64(name: string, values: readonly number[]): this;
  /** This node's phandle, assigned on first use. */
  readonly phandle: number;
}
