import { strict as assert } from 'node:assert';
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { hostTimers } from '../../../../src/drivers/host-timers.ts';
import { parseIp } from '../../../../src/machine/net/address.ts';
import { DnsRelay } from '../../../../src/machine/net/user/dns.ts';
import { type DnsRecord, serviceRecord, textRecord } from '../../../../src/machine/net/user/dns-records.ts';
import { closeAll, closers } from './hosts.ts';

/** The host's own resolver, asking a relay that knows the records, and one name with an address. */
async function resolver(records: readonly (DnsRecord | undefined)[]): Promise<Resolver> {
  const known = records.filter((record) => record !== undefined);
  const lookup = (name: string) => (name === 'box.lab' ? [parseIp('10.0.0.7')] : undefined);
  const relay = new DnsRelay(lookup, known, () => [], hostTimers);
  const socket = createSocket('udp4');
  socket.on('message', async (query, { port, address }) => {
    const answer = await relay.answer(query);
    if (answer !== undefined) socket.send(answer, port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  closers.push(() => socket.close());
  const asking = new Resolver({ timeout: 5000, tries: 1 });
  asking.setServers([`127.0.0.1:${socket.address().port}`]);
  return asking;
}

describe('records of the name server', () => {
  afterEach(closeAll);

  it('of texts are told, all of a name, and long ones whole', async () => {
    const long = 'x'.repeat(700);
    const dns = await resolver([
      textRecord('Box.lab.', 'one'),
      textRecord('box.lab', long),
      textRecord('empty.lab', ''),
    ]);
    const texts = (await dns.resolveTxt('box.LAB')).map((pieces) => pieces.join(''));
    assert.deepEqual(texts, ['one', long]);
    assert.deepEqual(await dns.resolveTxt('empty.lab'), [['']]);
    assert.deepEqual(await dns.resolve4('box.lab'), ['10.0.0.7'], 'beside its address');
  });

  it('of services are told', async () => {
    const service = { target: 'box.lab', port: 389, priority: 1, weight: 5 };
    const dns = await resolver([serviceRecord('_ldap._tcp.lab', service)]);
    assert.deepEqual(await dns.resolveSrv('_ldap._tcp.lab'), [{ name: 'box.lab', port: 389, priority: 1, weight: 5 }]);
  });

  it('of one kind are no answer for another, and unknown names are passed on', async () => {
    const dns = await resolver([textRecord('only.lab', 'text')]);
    await assert.rejects(dns.resolve4('only.lab'), { code: 'ENODATA' });
    await assert.rejects(dns.resolveTxt('nobody.lab'), { code: 'ESERVFAIL' });
  });

  it('are none where they would fit no answer', () => {
    assert.equal(textRecord('a', 'x'.repeat(1100)), undefined);
    assert.equal(serviceRecord('a', { target: 'l'.repeat(64), port: 1, priority: 0, weight: 0 }), undefined);
  });
});
