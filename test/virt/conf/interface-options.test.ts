import { strict as assert } from 'node:assert';
import type { NetOptions } from '../../../src/drivers/index.ts';
import { formatDomain, toMachineOptions } from '../../../src/virt/conf/index.ts';
import { complete, define, domainXml, refuses } from './support.ts';

const kernel = '<kernel>/k</kernel>';
const macLine = "<mac address='52:54:00:00:00:01'/>";
const nic = (type: string, inner = '') => `<interface type='${type}'>${macLine}${inner}</interface>`;

function nets(devices: string): readonly NetOptions[] {
  const def = define(domainXml('', devices, kernel));
  const networkCable = (name: string): NetOptions =>
    name === 'lan' ? { type: 'bridge', bridge: 'br1', mtu: 9000 } : { type: 'stream', path: `/net/${name}` };
  const { options } = toMachineOptions(def, { networkCable });
  return options.nets ?? [];
}

describe('interfaces of a definition', () => {
  const mac = '52:54:00:00:00:01';
  for (const [what, xml, expected] of [
    ['users', nic('user'), { type: 'user', mac }],
    [
      'users with an address and forwarded ports',
      nic(
        'user',
        `<ip family='ipv4' address='172.17.2.4' prefix='16'/><ip family='ipv6' address='2001:db8::4' prefix='64'/>
         <portForward proto='tcp' address='127.0.0.1'><range start='2022' to='22'/></portForward>
         <portForward proto='udp'><range start='5000' end='5002' to='6000'/><range start='5001' exclude='yes'/></portForward>`,
      ),
      {
        type: 'user',
        network: '172.17.2.4/16',
        dhcpStart: '172.17.2.4',
        ipv6: '2001:db8::4/64',
        forwards: [
          { protocol: 'tcp', hostAddress: '127.0.0.1', hostPort: 2022, guestPort: 22 },
          { protocol: 'udp', hostAddress: '0.0.0.0', hostPort: 5000, guestPort: 6000 },
          { protocol: 'udp', hostAddress: '0.0.0.0', hostPort: 5002, guestPort: 6002 },
        ],
        mac,
      },
    ],
    [
      'users by passt',
      nic(
        'user',
        `<source dev='eth0'/><ip address='172.17.2.4' prefix='24'/><portForward proto='tcp' address='10.0.0.1' dev='eth1'>
         <range start='80' end='90' to='8080'/><range start='85' exclude='yes'/></portForward><backend type='passt' logFile='/l'/>`,
      ),
      {
        type: 'passt',
        args: ['--log-file', '/l', '--interface', 'eth0', '--address', '172.17.2.4', '--netmask', '24'].concat([
          '--tcp-ports',
          '10.0.0.1%eth1/80-90:8080-8090,~85',
        ]),
        mac,
      },
    ],
    ['networks', nic('network', "<source network='n'/>"), { type: 'stream', path: '/net/n', mac }],
    [
      'servers',
      nic('server', "<source address='10.0.0.1' port='77'/>"),
      { type: 'stream', host: '10.0.0.1', port: 77, server: true, mac },
    ],
    ['clients', nic('client', "<source port='77'/>"), { type: 'stream', host: '127.0.0.1', port: 77, mac }],
    [
      'datagrams',
      nic('udp', "<source address='10.0.0.1' port='1'><local address='10.0.0.2' port='2'/></source>"),
      { type: 'dgram', local: { host: '10.0.0.2', port: 2 }, remote: { host: '10.0.0.1', port: 1 }, mac },
    ],
    ['nothing', nic('null'), { type: 'none', mac }],
    [
      'bridges of the host',
      nic('bridge', "<source bridge='br0'/><target dev='lan0'/>"),
      { type: 'bridge', bridge: 'br0', name: 'lan0', mac },
    ],
    [
      'networks that are bridges of the host',
      nic('network', "<source network='lan'/><target dev='lan0'/>"),
      { type: 'bridge', bridge: 'br1', name: 'lan0', mtu: 9000, mac },
    ],
    [
      'networks that are bridges of the host, with another MTU',
      nic('network', "<source network='lan'/><mtu size='1400'/>"),
      { type: 'bridge', bridge: 'br1', mtu: 1400, mac },
    ],
    ['tap devices', nic('ethernet', "<target dev='lan0'/>"), { type: 'tap', name: 'lan0', mac }],
    ['tap devices of any name', nic('ethernet'), { type: 'tap', mac }],
    [
      'tap devices that somebody else takes care of',
      nic('ethernet', "<target dev='vnet0' managed='no'/>"),
      { type: 'tap', name: 'vnet0', managed: false, mac },
    ],
    [
      'a link that is down, several queues and an MTU',
      nic('user', "<driver queues='4'/><link state='down'/><mtu size='9000'/>"),
      { type: 'user', mac, queues: 4, linkUp: false, mtu: 9000 },
    ],
  ] as const) {
    it(`lead to ${what}`, () => {
      assert.deepEqual(nets(xml), [expected]);
      const text = formatDomain(complete(domainXml('', xml)));
      assert.equal(formatDomain(complete(text)), text);
    });
  }

  for (const [what, xml, message] of [
    ['devices of the host alone', nic('direct', "<source dev='eth0' mode='bridge'/>"), /type 'direct'/],
    ['bridges without a name', nic('bridge', '<source/>'), /its source has no bridge/],
    [
      'tap devices that nobody makes',
      nic('ethernet', "<target managed='no'/>"),
      /a target that is not managed has no dev/,
    ],
    ['scripts of tap devices', nic('ethernet', "<script path='/etc/qemu-ifup'/>"), /element 'script'/],
    ['types of other hypervisors', nic('vds'), /type 'vds'/],
    ['other models', nic('user', "<model type='e1000'/>"), /model 'e1000'/],
    ['other backends', nic('user', "<backend type='slirp'/>"), /backend 'slirp'/],
    ['more queues than there are', nic('user', "<driver queues='8'/>"), /8 queues/],
    ['the host’s kernel', nic('user', "<driver name='vhost'/>"), /driver 'vhost'/],
    ['groups of ports', nic('network', "<source network='n' portgroup='p'/>"), /portgroup 'p'/],
    ['an MTU that is none', nic('user', "<mtu size='20'/>"), /mtu 20/],
    ['addresses beside networks', nic('network', "<source network='n'/><ip address='10.0.0.1'/>"), /element 'ip'/],
    ['a server without a port', nic('server'), /has no port/],
    [
      'thousands of ports',
      nic('user', "<portForward proto='tcp'><range start='1' end='65535'/></portForward>"),
      /more than/,
    ],
    ['all ports', nic('user', "<portForward proto='tcp'/>"), /all ports/],
    [
      'ports beyond the last',
      nic('user', "<portForward proto='tcp'><range start='10' end='20' to='65530'/></portForward>"),
      /no range/,
    ],
  ] as const) {
    it(`are refused for ${what}, which can be defined`, () => {
      refuses(() => nets(xml), 'CONFIG_UNSUPPORTED', message);
    });
  }

  it('are refused with a filter, by its name', () => {
    refuses(
      () => define(domainXml('', nic('user', "<filterref filter='clean-traffic'/>"))),
      'CONFIG_UNSUPPORTED',
      /'filterref' in 'domain\/devices\/interface'/,
    );
  });
});
