import { strict as assert } from 'node:assert';
import { parseIp, parseSubnet } from '../../../../src/machine/net/address.ts';
import { Policy, type PolicyOptions, usualAddresses } from '../../../../src/machine/net/user/policy.ts';

const PORT = 80;

function policy(options: Partial<PolicyOptions> = {}): Policy {
  return new Policy({
    ipv4: usualAddresses(parseSubnet('10.0.2.0/24')),
    ipv6: usualAddresses(parseSubnet('fec0::/64')),
    hostLoopback: false,
    ...options,
  });
}

/** The host under its names for itself, one link's addresses, groups, and IPv4 addresses inside IPv6 ones. */
const HIDDEN = [
  ...['0.0.0.0', '0.1.2.3', '127.0.0.1', '127.0.0.2', '127.1.2.3', '127.255.255.255'],
  ...['169.254.0.1', '169.254.169.254', '224.0.0.1', '239.255.255.250', '240.0.0.1', '255.255.255.255'],
  ...['::', '::1', '::2', '::127.0.0.1', '::ffff:127.0.0.1', '::ffff:0.0.0.0', '::ffff:10.0.2.2', '::ffff:192.0.2.1'],
  ...['64:ff9b::127.0.0.1', '64:ff9b::192.0.2.1', '64:ff9b:1::127.0.0.1', '2002:7f00:1::1', '2002:a9fe:a9fe::1'],
  ...['fe80::1', 'fe80::2', 'febf::1', 'fec0:0:0:1::1', 'feff::1', 'ff02::1', 'ff05::2'],
  // The network's own that are nobody's on the host's side.
  ...['10.0.2.0', '10.0.2.3', '10.0.2.15', '10.0.2.255', 'fec0::3', 'fec0::5054:ff:fe12:3456'],
];

/** The first and the last beyond those ranges. */
const OPEN = [
  ...['1.0.0.0', '126.255.255.255', '128.0.0.1', '169.253.255.255', '169.255.0.1', '223.255.255.255', '10.0.3.1'],
  ...['::1:0:0:1', '64:ff9a::1', '64:ff9b:2::1', '2001:db8::1', '2003::1', 'fdff::1', 'fe00::1'],
];

describe('policy of a user network', () => {
  for (const hostLoopback of [false, true]) {
    it(`leads to no name of the host for itself, the router ${hostLoopback ? 'alone apart' : 'among them'}`, () => {
      const { destination } = bound(policy({ hostLoopback }));
      for (const address of HIDDEN) assert.equal(destination(address), undefined, address);
      for (const address of OPEN) assert.equal(typeof destination(address), 'string', address);
      assert.deepEqual(
        [destination('10.0.2.2'), destination('fec0::2')],
        hostLoopback ? ['127.0.0.1', '::1'] : [undefined, undefined],
      );
    });
  }

  it('does not lead there either where a list allows everything', () => {
    const { destination } = bound(
      policy({ allow: [{ subnet: parseSubnet('0.0.0.0/0') }, { subnet: parseSubnet('::/0') }] }),
    );
    for (const address of [...HIDDEN, '10.0.2.2', 'fec0::2']) assert.equal(destination(address), undefined, address);
    for (const address of OPEN) assert.equal(typeof destination(address), 'string', address);
  });

  it('keeps to addresses, ports and kinds of a list', () => {
    const rules = policy({
      hostLoopback: true,
      allow: [
        { subnet: parseSubnet('192.0.2.0/25'), port: PORT },
        { subnet: parseSubnet('2001:db8::/33') },
        { subnet: parseSubnet('10.0.2.3/32'), port: 53 },
      ],
    });
    const { destination } = bound(rules);
    assert.deepEqual(
      ['192.0.2.0', '192.0.2.127', '192.0.2.128', '192.0.1.255', '2001:db8:7fff::1', '2001:db8:8000::', '10.0.2.2'].map(
        (address) => destination(address) !== undefined,
      ),
      [true, true, false, false, true, false, false],
    );
    assert.equal(rules.destination(parseIp('192.0.2.1'), PORT + 1), undefined);
    assert.equal(rules.destination(parseIp('192.0.2.1'), 0), undefined);
    assert.deepEqual([rules.allowsDns(parseIp('10.0.2.3')), rules.allowsDns(parseIp('10.0.2.2'))], [true, false]);
  });

  it('lets nothing out of a network without routes, nor by a protocol it does not have', () => {
    const isolated = bound(policy({ routes: { ipv4: false, ipv6: false }, hostLoopback: true }));
    for (const address of [...HIDDEN, ...OPEN, '10.0.2.2', 'fec0::2']) {
      assert.equal(isolated.destination(address), undefined, address);
    }
    const four = new Policy({ ipv4: usualAddresses(parseSubnet('10.0.2.0/24')), hostLoopback: true });
    assert.equal(four.destination(parseIp('2001:db8::1'), PORT), undefined);
  });
});

function bound(rules: Policy): { destination(address: string): string | undefined } {
  return { destination: (address) => rules.destination(parseIp(address), PORT) };
}
