/** The host side of a serial line: what a UART or a virtio console is connected to (QEMU: chardev). */
export interface CharBackend {
  /** Takes bytes from the guest. Returns false when the host is slow: the device holds back until `onDrain`. */
  write(bytes: Uint8Array): boolean;
  /** Called by the device once: `receive` takes bytes for the guest and returns how many it had room for. */
  connect(device: { receive(bytes: Uint8Array): number; drained(): void }): void;
  /** The device has room again after `receive` took less than it was offered. */
  resume(): void;
  close(): Promise<void>;
}
