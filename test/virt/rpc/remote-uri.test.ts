import { strict as assert } from 'node:assert';
import { parseConnectionUri } from '../../../src/index.ts';
import { isRemote, parseRemoteUri } from '../../../src/virt/rpc/client/remote-uri.ts';
import { remoteCommand, sshArguments } from '../../../src/virt/rpc/client/ssh.ts';
import { localSockets } from '../../../src/virt/rpc/client/transport.ts';

const parse = (uri: string) => parseRemoteUri(parseConnectionUri(uri));

describe('URIs of servers', () => {
  it('are told from those of this process', () => {
    const cases: [string, boolean][] = [
      ['test:///default', false],
      ['test:///default?socket=/x', false],
      ['nodevisor:///embed', false],
      ['test+unix:///default?socket=/x', true],
      ['nodevisor:///session', true],
      ['qemu:///system', true],
      ['xen://host/', true],
      ['test+tcp://host/default', true],
    ];
    for (const [uri, remote] of cases) assert.equal(isRemote(parseConnectionUri(uri)), remote, uri);
  });

  it('say how to get there, and what to open there', () => {
    const cases: [string, string, string, number | undefined, string][] = [
      ['foo+unix:///system?socket=/p/s.sock', 'unix', '', undefined, 'foo:///system'],
      ['foo:///system?socket=/p/s.sock', 'unix', '', undefined, 'foo:///system'],
      ['foo+tcp://127.0.0.1:1234/system', 'tcp', '127.0.0.1', 1234, 'foo:///system'],
      ['foo+tcp:///system', 'tcp', 'localhost', undefined, 'foo:///system'],
      ['foo://host/system', 'tls', 'host', undefined, 'foo:///system'],
      ['qemu+tls://[::1]:7/system?pkipath=/x&no_verify=1', 'tls', '::1', 7, 'qemu:///system'],
      ['qemu+ssh://root@host/system?keyfile=/k', 'ssh', 'host', undefined, 'qemu:///system'],
      ['foo+unix:///a?x=1&socket=/s', 'unix', '', undefined, 'foo:///a?x=1'],
      ['foo+unix:///a?socket=/s&name=bar:///zz', 'unix', '', undefined, 'bar:///zz'],
      ['remote+unix:///?socket=/s', 'unix', '', undefined, ''],
      ['xen+tcp://host', 'tcp', 'host', undefined, 'xen:///'],
    ];
    for (const [uri, transport, host, port, name] of cases) {
      const parsed = parse(uri);
      assert.deepEqual([parsed.transport, parsed.host, parsed.port, parsed.name], [transport, host, port, name], uri);
    }
    assert.equal(parse('qemu+ssh://al%40x@host/system').user, 'al@x');
  });

  it('are refused when they make no sense', () => {
    const cases: [string, RegExp][] = [
      ['foo+carrier://host/', /transport in URL not recognised/],
      ['foo+unix://host/system', /using unix socket and remote server 'host' is not supported/],
      ['foo+ssh:///system', /names no host/],
      ['foo+tcp://host:0/', /is no host/],
      ['foo+tcp://host:99999/', /is no host/],
      ['foo+tcp://[::1/', /is no host/],
      ['foo+ssh://-oProxyCommand=x/', /begins with a hyphen/],
      ['foo+ssh://-l@host/', /begins with a hyphen/],
    ];
    for (const [uri, message] of cases) assert.throws(() => parse(uri), { code: 'INVALID_ARG', message }, uri);
  });

  it('without a host lead to a daemon’s socket', () => {
    const env = { XDG_RUNTIME_DIR: '/run/user/7' };
    const sockets = (uri: string, readOnly = false) => localSockets(parse(uri), readOnly, env);
    assert.deepEqual(sockets('qemu:///system'), ['/var/run/libvirt/virtqemud-sock', '/var/run/libvirt/libvirt-sock']);
    assert.deepEqual(sockets('qemu:///system?mode=legacy', true), ['/var/run/libvirt/libvirt-sock-ro']);
    assert.deepEqual(sockets('xen:///system?mode=direct'), ['/var/run/libvirt/virtxend-sock']);
    assert.deepEqual(sockets('foo:///system?socket=/s', true), ['/s']);
    assert.deepEqual(sockets('nodevisor:///session'), ['/run/user/7/nodevisor/nodevisor-sock']);
    assert.deepEqual(sockets('nodevisor:///system', true), [
      '/run/nodevisor/nodevisor-sock-ro',
      '/run/nodevisor/nodevisor-sock',
    ]);
  });

  it('lead through ssh without a word that the shells there would take for something else', () => {
    const uri = parse("qemu+ssh://al@host:22/system?socket=/a'b;c&keyfile=/k&no_tty=1&no_verify=1&netcat=/my nc");
    const args = sshArguments(uri, false);
    assert.deepEqual(args.slice(0, -1), [
      ...['-p', '22', '-l', 'al', '-i', '/k', '-T', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=no'],
      ...['-e', 'none', '--', 'host'],
    ]);
    assert.match(remoteCommand(uri, false), /exec '\/my nc' \$ARG -U '\/a'\\''b;c'$/);
    assert.match(remoteCommand(parse('qemu+ssh://h/system'), true), /exec virt-ssh-helper -r 'qemu:\/\/\/system'; fi/);
    assert.match(remoteCommand(parse('nodevisor+ssh://h/system'), false), /-U \/run\/nodevisor\/nodevisor-sock$/);
    assert.equal(remoteCommand(parse('qemu+ssh://h/system?proxy=native'), false), "virt-ssh-helper 'qemu:///system'");
  });
});
