import { strict as assert } from 'node:assert';
import { SeededRandom } from '../../../src/util/index.ts';
import { fillNetworkDefaults, networkPlan, parseNetwork, validateNetwork } from '../../../src/virt/conf/index.ts';
import { refuses } from './support.ts';

function plan(inner: string) {
  const def = fillNetworkDefaults(parseNetwork(`<network><name>n</name>${inner}</network>`), {
    random: new SeededRandom(1),
    bridges: new Set(),
  });
  validateNetwork(def);
  return networkPlan(def);
}

const nat = "<forward mode='nat'/>";
const ip = (inner = '') => `<ip address='10.1.2.1' netmask='255.255.255.0'>${inner}</ip>`;

describe('networks made from definitions', () => {
  it('are a bare switch without an address', () => {
    assert.equal(plan('').gateway, undefined);
  });

  it('have a gateway that gives out addresses and knows names, and leads out where they are forwarded', () => {
    const { gateway, hosts, ranges, names } = plan(
      `${nat}<mtu size='9000'/><mac address='52:54:00:00:00:09'/><domain name='lab' localOnly='yes'/>
       <dns><forwarder addr='9.9.9.9'/><host ip='10.1.2.7'><hostname>Seven</hostname></host></dns>
       ${ip(`<tftp root='/boot'/><dhcp><range start='10.1.2.2' end='10.1.2.9'/><range start='10.1.2.100' end='10.1.2.110'/>
             <host mac='52:54:00:00:00:01' name='one' ip='10.1.2.50'/><bootp file='pxe' server='10.1.2.3'/></dhcp>`)}
       <ip family='ipv6' address='fd00:1::1' prefix='64'/>`,
    );
    assert.deepEqual(gateway?.router, Uint8Array.of(10, 1, 2, 1));
    assert.deepEqual(gateway.dns, gateway.router);
    assert.deepEqual(gateway.ipv4?.bits, 24);
    assert.deepEqual(gateway.router6?.slice(0, 4), Uint8Array.of(0xfd, 0, 0, 1));
    assert.deepEqual(gateway.routes, { ipv4: true, ipv6: false });
    const { domain, localDomain, mtu, tftp, bootFile, nextServer, dnsServers, mac } = gateway;
    assert.deepEqual([domain, localDomain, mtu, tftp, bootFile], ['lab', true, 9000, '/boot', 'pxe']);
    assert.deepEqual([nextServer, mac], [Uint8Array.of(10, 1, 2, 3), Uint8Array.of(0x52, 0x54, 0, 0, 0, 9)]);
    assert.deepEqual(dnsServers, [{ host: '9.9.9.9', port: 53 }]);
    assert.deepEqual(hosts, [{ mac: '52:54:00:00:00:01', name: 'one', ip: Uint8Array.of(10, 1, 2, 50) }]);
    assert.equal(ranges.length, 2);
    assert.deepEqual([...names.keys()], ['seven', 'one']);
  });

  it('give addresses out for as long as is said for a range or a host', () => {
    const { ranges, hosts } = plan(
      ip(`<dhcp><range start='10.1.2.2' end='10.1.2.3'><lease expiry='5'/></range><range start='10.1.2.8' end='10.1.2.9'/>
          <host mac='52:54:00:00:00:01' ip='10.1.2.50'><lease expiry='2' unit='hours'/></host>
          <host mac='52:54:00:00:00:02' ip='10.1.2.51'><lease expiry='0'/></host></dhcp>`),
    );
    assert.deepEqual(
      ranges.map(([, , seconds]) => seconds),
      [300, undefined],
    );
    assert.deepEqual(
      hosts.map(({ leaseSeconds }) => leaseSeconds),
      [7200, 0xffff_ffff],
    );
    const short = "<dhcp><range start='10.1.2.2' end='10.1.2.3'><lease expiry='119' unit='seconds'/></range></dhcp>";
    refuses(() => plan(ip(short)), 'XML_ERROR', /119 seconds, is below the least of two minutes/);
  });

  it('know texts and services, those of no other domain as of their own', () => {
    const dns = `<dns><txt name='a' value='b'/><srv service='ldap' protocol='tcp' target='x.lab' port='389'/>
      <srv service='sip' protocol='udp' domain='other'/></dns>`;
    const { records, gateway } = plan(`<domain name='lab'/>${dns}${ip()}`);
    assert.deepEqual(
      records.map(({ name, type }) => [name, type]),
      [
        ['a', 16],
        ['_ldap._tcp.lab', 33],
        ['_sip._udp.other', 33],
      ],
    );
    assert.equal(gateway?.records, records);
  });

  it('lead nowhere without <forward>, and with IPv6 only where NAT of it is asked for', () => {
    assert.deepEqual(plan(ip()).gateway?.routes, { ipv4: false, ipv6: false });
    assert.equal(plan(ip()).gateway?.range, false);
    assert.deepEqual(plan(`<forward mode='nat'><nat ipv6='yes'/></forward>${ip()}`).gateway?.routes?.ipv6, true);
  });

  for (const [what, inner, message] of [
    ['routes on the host', `<forward mode='route'/>${ip()}`, /forward mode 'route'/],
    ['open networks', `<forward mode='open'/>${ip()}`, /forward mode 'open'/],
    ['devices of the host', `<forward mode='nat' dev='eth0'/>${ip()}`, /forward dev 'eth0'/],
    ['ports of NAT', `<forward mode='nat'><nat><port start='1' end='2'/></nat></forward>${ip()}`, /element 'nat'/],
    ['limits', `<bandwidth><inbound average='1'/></bandwidth>${ip()}`, /element 'bandwidth' in 'network'/],
    ['groups of ports', `<portgroup name='p'/>${ip()}`, /element 'portgroup'/],
    ['long texts of DNS', `<dns><txt name='a' value='${'b'.repeat(1100)}'/></dns>${ip()}`, /DNS TXT record of 'a'/],
    ['no DNS', `<dns enable='no'/>${ip()}`, /<dns enable>/],
    ['two addresses', ip() + ip(), /several <ip>/],
    ['IPv6 alone', "<ip family='ipv6' address='fd00::1' prefix='64'/>", /without one of IPv4/],
    ['long prefixes of IPv6', `${ip()}<ip family='ipv6' address='fd00::1' prefix='80'/>`, /64 bits/],
  ] as const) {
    it(`are refused for ${what}, by name`, () => {
      refuses(() => plan(inner), 'CONFIG_UNSUPPORTED', message);
    });
  }
});
