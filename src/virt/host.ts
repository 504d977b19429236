import type { Backend, InterfaceRef, NodeDeviceRef } from './backend.ts';

/** A network interface of the host. */
export class Interface {
  readonly ref: InterfaceRef;
  readonly #backend: Backend;

  constructor(backend: Backend, ref: InterfaceRef) {
    this.#backend = backend;
    this.ref = ref;
  }

  get name(): string {
    return this.ref.name;
  }

  /** Its MAC address. */
  get mac(): string {
    return this.ref.mac;
  }

  getXMLDesc(flags = 0): Promise<string> {
    return this.#backend.interfaceGetXmlDesc(this.ref, flags);
  }

  isActive(): Promise<boolean> {
    return this.#backend.interfaceIsActive(this.ref);
  }
}

/** A device of the host. */
export class NodeDevice {
  readonly ref: NodeDeviceRef;
  readonly #backend: Backend;

  constructor(backend: Backend, ref: NodeDeviceRef) {
    this.#backend = backend;
    this.ref = ref;
  }

  get name(): string {
    return this.ref.name;
  }

  getXMLDesc(flags = 0): Promise<string> {
    return this.#backend.nodeDeviceGetXmlDesc(this.ref, flags);
  }

  /** Name of the device it is a part of. */
  getParent(): Promise<string | undefined> {
    return this.#backend.nodeDeviceGetParent(this.ref);
  }

  /** What it can be: `system`, `net` … */
  listCaps(): Promise<string[]> {
    return this.#backend.nodeDeviceListCaps(this.ref);
  }

  isActive(): Promise<boolean> {
    return this.#backend.nodeDeviceIsActive(this.ref);
  }

  isPersistent(): Promise<boolean> {
    return this.#backend.nodeDeviceIsPersistent(this.ref);
  }

  getAutostart(): Promise<boolean> {
    return this.#backend.nodeDeviceGetAutostart(this.ref);
  }
}
