/** The console that SBI's debug console and HTIF talk to: never waits. */
export interface DebugConsole {
  /** Takes bytes; gives how many it had room for. `bytes` is the console's to keep. */
  write(bytes: Uint8Array): number;
  /** Fills `into` from the front; gives how many bytes there were. */
  read(into: Uint8Array): number;
}
