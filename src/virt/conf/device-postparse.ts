/** Defaults of the devices that are neither disks, interfaces nor consoles. */
import type { ControllerDef, DeviceDefs, GraphicsDef } from './device-def.ts';

/** The devices with libvirt's defaults; those the machine has get their place on its virtio-mmio bus. */
export function fillOtherDevices(devices: DeviceDefs): DeviceDefs {
  return {
    ...devices,
    controllers: fillControllers(devices.controllers),
    filesystems: devices.filesystems.map((one) => ({ type: 'mount', accessmode: 'passthrough', ...one })),
    graphics: devices.graphics.map(fillGraphics),
    videos: devices.videos.map((one, index) => ({
      ...one,
      model: { heads: 1, ...(index === 0 ? { primary: true } : {}), ...(one.model ?? { type: 'virtio' }) },
    })),
    watchdogs: devices.watchdogs.map((one) => ({ action: 'reset', ...one })),
    // There is no balloon unless one is asked for, and the definition says so.
    memballoons: devices.memballoons.length === 0 ? [{ model: 'none' }] : devices.memballoons,
    rngs: devices.rngs.map((one) => (one.address === undefined ? { ...one, address: { type: 'virtio-mmio' } } : one)),
    vsocks: devices.vsocks.map((one) => ({ model: 'virtio', ...one, cid: one.cid ?? { auto: true } })),
  };
}

/** Controllers of a type are numbered from 0; the numbers that are given stay. */
function fillControllers(controllers: readonly ControllerDef[]): ControllerDef[] {
  const taken = new Set(controllers.flatMap(({ type, index }) => (index === undefined ? [] : [`${type} ${index}`])));
  const next = new Map<string, number>();
  return controllers.map((one) => {
    if (one.index !== undefined) return one;
    let index = next.get(one.type) ?? 0;
    while (taken.has(`${one.type} ${index}`)) index++;
    next.set(one.type, index + 1);
    return { ...one, index };
  });
}

function fillGraphics(one: GraphicsDef): GraphicsDef {
  if (one.type !== 'vnc' && one.type !== 'spice') return one;
  const chosen = one.port === undefined || one.port === -1;
  const listens =
    one.listens.length > 0
      ? one.listens
      : [{ type: 'address', ...(one.listen === undefined ? {} : { address: one.listen }) }];
  return { ...one, ...(chosen ? { port: -1, autoport: true } : {}), listens };
}
