/** Waits for a file descriptor in the thread's event loop: native/binding/fd_watch.h. */
export interface FdWatch {
  /** From now on waits for this. Returns 0 or an errno. */
  start(readable: boolean, writable: boolean): number;
  /** Nothing is called any more. Before the descriptor is closed. */
  close(): void;
}

/**
 * System calls that tap devices and bridges of the host take: native/binding/tap.h. What fails is a negative errno.
 * Names are of 1 to 15 bytes.
 */
export interface TapCalls {
  readonly FdWatch: new (
    fd: number,
    callback: (readable: boolean, writable: boolean, failed: boolean) => void,
  ) => FdWatch;
  /** Makes an open /dev/net/tun the device of a name, which may hold `%d`. Flags: see `TapFlag`. Its name. */
  tapAttach(fd: number, name: string, flags: number): string | number;
  /** The same for a descriptor that is a device already. */
  tapSetUp(fd: number): string | number;
  /** Reads frames one behind the other from `offset` on, while there are `room` bytes for one. How many. */
  tapRead(fd: number, bytes: Uint8Array, offset: number, room: number, lengths: Uint32Array): number;
  tapWrite(fd: number, header: Uint8Array, frame: Uint8Array): number;
  interfaceIndex(name: string): number;
  /** `IFF_UP` is 1. */
  interfaceFlags(name: string): number;
  interfaceMtu(name: string): number;
  interfaceSetUp(name: string): number;
  interfaceSetMtu(name: string, mtu: number): number;
  interfaceSetMac(name: string, mac: Uint8Array): number;
  bridgeAdd(bridge: string, name: string): number;
  /** Two connected stream sockets. */
  socketPair(): readonly [number, number] | number;
  /** The descriptor that waits at a socket; non-blocking from then on. */
  receiveFd(socket: number): number;
}

/** Flags of `tapAttach`: the device must not be there yet; it has several queues. */
export const TapFlag = { MUST_BE_NEW: 1, SEVERAL_QUEUES: 2 } as const;
