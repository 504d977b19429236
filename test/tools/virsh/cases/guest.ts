import type { TypedParam } from '../../../../src/virt/index.ts';
import { type Case, NO_DOMAIN } from './case.ts';

const ok = async () => {};
const NO_AGENT = 'argument unsupported: QEMU guest agent is not configured';
const info: TypedParam[] = [{ field: 'os.id', type: 'string', value: 'debian' }];

/** What needs the guest's help, and its screens. */
export const guest: Readonly<Record<string, Case>> = {
  domhostname: {
    table: ['domhostname test', 'box\n'],
    json: [undefined, { hostname: 'box' }],
    error: ['domhostname test', 'failed to get hostname', NO_AGENT],
    answers: { domainGetHostname: async () => 'box' },
  },
  guestinfo: {
    table: ['guestinfo test --os', 'os.id               : debian\n'],
    json: [undefined, { 'os.id': 'debian' }],
    error: ['guestinfo test', NO_AGENT],
    answers: { domainGetGuestInfo: async (_domain, types) => (types === 2 ? info : []) },
  },
  guestvcpus: {
    table: ['guestvcpus test', 'vcpus               : 0-1\n'],
    json: [undefined, { vcpus: '0-1' }],
    error: ['guestvcpus test --cpulist 1', 'One of options --enable or --disable is required by option --cpulist'],
    answers: { domainGetGuestVcpus: async () => [{ field: 'vcpus', type: 'string', value: '0-1' }] },
  },
  domfsinfo: {
    table: [
      'domfsinfo test',
      ' Mountpoint   Name   Type   Target\n------------------------------------\n /            vda1   ext4   vda\n',
    ],
    json: [undefined, [{ mountpoint: '/', name: 'vda1', type: 'ext4', target: 'vda' }]],
    error: ['domfsinfo test', 'Unable to get filesystem information', NO_AGENT],
    answers: {
      domainGetFsInfo: async () => [{ mountpoint: '/', name: 'vda1', fstype: 'ext4', devAliases: ['vda'] }],
    },
  },
  domfsfreeze: {
    table: ['domfsfreeze test / /boot', 'Froze 2 filesystem(s)\n'],
    json: [undefined, { filesystems: 2 }],
    error: ['domfsfreeze test', 'Unable to freeze filesystems', NO_AGENT],
    answers: { domainFsFreeze: async (_domain, paths) => paths.length },
  },
  domfsthaw: {
    table: ['domfsthaw test /', 'Thawed 1 filesystem(s)\n'],
    json: [undefined, { filesystems: 1 }],
    error: ['domfsthaw test', 'Unable to thaw filesystems', NO_AGENT],
    answers: { domainFsThaw: async (_domain, paths) => paths.length },
  },
  domfstrim: {
    table: ['domfstrim test --minimum 4096', ''],
    json: [undefined, {}],
    error: ['domfstrim test', 'Unable to invoke fstrim', NO_AGENT],
    answers: { domainFsTrim: ok },
  },
  'set-user-password': {
    table: ['set-user-password test root secret', 'Password set successfully for root in test'],
    json: [undefined, { message: 'Password set successfully for root in test', domain: 'test', user: 'root' }],
    error: ['set-user-password test root secret', NO_AGENT],
    answers: { domainSetUserPassword: ok },
  },
  dompmsuspend: {
    table: ['dompmsuspend test mem', "Domain 'test' successfully suspended"],
    json: [undefined, { message: "Domain 'test' successfully suspended", domain: 'test' }],
    error: ['dompmsuspend test odd', 'Invalid target'],
    answers: { domainPmSuspendForDuration: ok },
  },
  dompmwakeup: {
    table: ['dompmwakeup test', "Domain 'test' successfully woken up"],
    json: [undefined, { message: "Domain 'test' successfully woken up", domain: 'test' }],
    error: ['dompmwakeup nope', NO_DOMAIN],
    answers: { domainPmWakeup: ok },
  },
  'inject-nmi': {
    table: ['inject-nmi test', ''],
    json: [undefined, {}],
    error: ['inject-nmi test', 'Operation not supported: the machine has no non-maskable interrupt'],
    answers: { domainInjectNmi: ok },
  },
  domdisplay: {
    table: [
      'create DIR/screens.xml; domdisplay screens --all',
      'vnc://127.0.0.1:1\nspice://localhost:5902?tls-port=5903\n',
    ],
    json: [undefined, ['vnc://127.0.0.1:1', 'spice://localhost:5902?tls-port=5903']],
    error: ['domdisplay test --type vnc', "No graphical display with type 'vnc' found"],
  },
  vncdisplay: {
    table: ['create DIR/screens.xml; vncdisplay screens', '127.0.0.1:1\n'],
    json: [undefined, { display: '127.0.0.1:1' }],
    error: ['vncdisplay test', 'Failed to get VNC port. Is this domain using VNC?'],
  },
  'change-media': {
    table: ['define DIR/cd.xml; change-media cd hdc --eject', 'Successfully ejected media.\n'],
    json: [undefined, { message: 'Successfully ejected media.', domain: 'cd', drive: 'hdc' }],
    error: ['change-media test vda --eject', 'No disk found whose source path or target is vda'],
  },
};
