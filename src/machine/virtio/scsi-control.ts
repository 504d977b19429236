import type { Chain } from './chain.ts';
import type { VirtQueue } from './queue.ts';
import { parseLun, type ScsiAddress, type ScsiBus } from './scsi-bus.ts';
import { CONTROL_BYTES, ControlType, ScsiResponse, Tmf } from './scsi-spec.ts';
import { type TaskSet, tasksOf } from './scsi-tasks.ts';

/** What control requests work on. */
export interface ControlContext {
  readonly bus: ScsiBus;
  readonly tasks: TaskSet;
  /** Takes over all that the driver has made available in the request queues so far. */
  collect(): void;
}

/** Serves one control request (5.6.6.2) until its buffer is back; false: it is none. */
export async function serveControl(queue: VirtQueue, chain: Chain, context: ControlContext): Promise<boolean> {
  if (chain.readableBytes < 4) return false;
  const type = new DataView(new ArrayBuffer(4));
  if (!queue.copyOut(chain, 0, new Uint8Array(type.buffer))) return true;
  switch (type.getUint32(0, true)) {
    case ControlType.TMF:
      return serveTmf(queue, chain, context);
    case ControlType.AN_QUERY:
    case ControlType.AN_SUBSCRIBE:
      return serveNotification(queue, chain, context);
    default:
      // A type that there is not has no layout either: it is given back as it is.
      queue.put(chain, 0);
      return true;
  }
}

async function serveTmf(queue: VirtQueue, chain: Chain, context: ControlContext): Promise<boolean> {
  if (chain.readableBytes < CONTROL_BYTES.tmf || chain.writableBytes < CONTROL_BYTES.tmfResponse) return false;
  const request = new Uint8Array(CONTROL_BYTES.tmf);
  if (!queue.copyOut(chain, 0, request)) return true;
  const view = new DataView(request.buffer);
  const address = parseLun(request.subarray(8, 16));
  const response = await manage(view.getUint32(4, true), address, view.getBigUint64(16, true), context);
  if (queue.copyIn(chain, 0, Uint8Array.of(response))) queue.put(chain, CONTROL_BYTES.tmfResponse);
  return true;
}

/** Task management: a task under way on the host cannot be taken back, so that one waits for its end. */
async function manage(
  subtype: number,
  address: ScsiAddress | undefined,
  tag: bigint,
  { bus, tasks, collect }: ControlContext,
): Promise<ScsiResponse> {
  const luns = address === undefined ? undefined : bus.luns(address.target);
  if (address === undefined || luns === undefined) return ScsiResponse.BAD_TARGET;
  if (subtype !== Tmf.I_T_NEXUS_RESET && !luns.includes(address.lun)) return ScsiResponse.INCORRECT_LUN;
  // What came before the request in time is in the other queues, perhaps not looked at yet.
  collect();
  switch (subtype) {
    case Tmf.ABORT_TASK:
      await tasks.abort(tasksOf(address, tag), ScsiResponse.ABORTED);
      return ScsiResponse.OK;
    case Tmf.ABORT_TASK_SET:
    case Tmf.CLEAR_TASK_SET:
      await tasks.abort(tasksOf(address), ScsiResponse.ABORTED);
      return ScsiResponse.OK;
    case Tmf.LOGICAL_UNIT_RESET:
      await tasks.abort(tasksOf(address), ScsiResponse.RESET);
      bus.find(address)?.reset();
      return ScsiResponse.OK;
    case Tmf.I_T_NEXUS_RESET:
      await tasks.abort({ target: address.target }, ScsiResponse.RESET);
      for (const lun of luns) bus.find({ target: address.target, lun })?.reset();
      return ScsiResponse.OK;
    case Tmf.QUERY_TASK:
      return tasks.has(tasksOf(address, tag)) ? ScsiResponse.FUNCTION_SUCCEEDED : ScsiResponse.OK;
    case Tmf.QUERY_TASK_SET:
      return tasks.has(tasksOf(address)) ? ScsiResponse.FUNCTION_SUCCEEDED : ScsiResponse.OK;
    default:
      return ScsiResponse.FUNCTION_REJECTED;
  }
}

/** Asynchronous notifications: units here give none, they are to be polled. */
function serveNotification(queue: VirtQueue, chain: Chain, { bus }: ControlContext): boolean {
  const { notification, notificationResponse } = CONTROL_BYTES;
  if (chain.readableBytes < notification || chain.writableBytes < notificationResponse) return false;
  const request = new Uint8Array(notification);
  if (!queue.copyOut(chain, 0, request)) return true;
  const address = parseLun(request.subarray(4, 12));
  const known = address !== undefined && bus.luns(address.target) !== undefined;
  const response = new Uint8Array(notificationResponse);
  response[4] = known ? ScsiResponse.OK : ScsiResponse.BAD_TARGET;
  if (queue.copyIn(chain, 0, response)) queue.put(chain, notificationResponse);
  return true;
}
