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

  /** Starts it; over daemons of libvirt's, as all that changes something. */
  create(flags = 0): Promise<void> {
    return this.#backend.interfaceCreate(this.ref, flags);
  }

  /** Stops it. */
  destroy(flags = 0): Promise<void> {
    return this.#backend.interfaceDestroy(this.ref, flags);
  }

  /** Forgets its configuration. */
  undefine(): Promise<void> {
    return this.#backend.interfaceUndefine(this.ref);
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

  /** Over daemons of libvirt's, as all that changes something. */
  setAutostart(autostart: boolean): Promise<void> {
    return this.#backend.nodeDeviceSetAutostart(this.ref, autostart);
  }

  /** Starts one that is defined. */
  create(flags = 0): Promise<void> {
    return this.#backend.nodeDeviceCreate(this.ref, flags);
  }

  destroy(): Promise<void> {
    return this.#backend.nodeDeviceDestroy(this.ref);
  }

  undefine(flags = 0): Promise<void> {
    return this.#backend.nodeDeviceUndefine(this.ref, flags);
  }

  /** Takes it from the host's driver, for a guest. */
  dettach(): Promise<void> {
    return this.#backend.nodeDeviceDettach(this.ref);
  }

  /** The same. @param driver what is to have it then */
  detachFlags(driver?: string, flags = 0): Promise<void> {
    return this.#backend.nodeDeviceDetachFlags(this.ref, driver, flags);
  }

  /** Gives it back to the host's driver. */
  reAttach(): Promise<void> {
    return this.#backend.nodeDeviceReAttach(this.ref);
  }

  reset(): Promise<void> {
    return this.#backend.nodeDeviceReset(this.ref);
  }
}
