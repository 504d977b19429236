import { strict as assert } from 'node:assert';
import { Args, type OptionValues } from '../../../src/tools/cli/command.ts';
import { parseDisk } from '../../../src/tools/cli/run/disk.ts';
import { parseRunOptions } from '../../../src/tools/cli/run/options.ts';
import { exitCodeOfGuest } from '../../../src/tools/cli/run/supervise.ts';
import { EscapeFilter } from '../../../src/tools/cli/run/terminal.ts';

const parse = (options: OptionValues, image?: string) => parseRunOptions(new Args([image], options));

describe('the options of run', () => {
  it('have defaults, and no keys for what was not given', () => {
    assert.deepEqual(parse({}), {
      cpuBackend: 'auto',
      firmware: 'builtin',
      disks: [],
      cdroms: [],
      pflash: [],
      nets: [],
      console: 'stdio',
      clock: 'host',
    });
  });

  it('are taken over when they are well-formed', () => {
    const given = parse({
      smp: '4',
      timeout: '0.5',
      memory: '1G',
      clock: 'virtual',
      disk: ['a', 'b,format=qcow2,readonly,cache=unsafe,serial=x,queues=2', 'c,bus=scsi'],
      pflash: ['code.fd,readonly', 'vars.fd,template=t.fd'],
      cdrom: ['cd,,1.iso', 'cd.qcow2,format=qcow2'],
    });
    assert.equal(given.vcpus, 4);
    assert.equal(given.timeoutSeconds, 0.5);
    assert.equal(given.memory, '1G');
    assert.equal(given.clock, 'virtual');
    assert.deepEqual(given.disks, [
      { file: 'a', format: 'raw', readonly: false },
      { file: 'b', format: 'qcow2', readonly: true, cache: 'unsafe', serial: 'x', queues: 2 },
      { file: 'c', format: 'raw', readonly: false, bus: 'scsi' },
    ]);
    assert.deepEqual(given.pflash, [
      { file: 'code.fd', readonly: true },
      { file: 'vars.fd', template: 't.fd' },
    ]);
    assert.deepEqual(given.cdroms, [{ file: 'cd,1.iso' }, { file: 'cd.qcow2', format: 'qcow2' }]);
  });

  it('are refused one by one, naming what is wrong', () => {
    const cases: [OptionValues, RegExp][] = [
      [{ smp: '0' }, /--smp 0: not a positive whole number$/],
      [{ smp: '1.5' }, /--smp 1\.5/],
      [{ smp: '' }, /--smp/],
      [{ timeout: '-1' }, /--timeout -1: not a positive number/],
      [{ timeout: 'Infinity' }, /--timeout Infinity/],
      [{ clock: 'sundial' }, /--clock sundial: neither host nor virtual/],
      [{ disk: ['d,format=vmdk'] }, /format is raw or qcow2/],
      [
        { disk: ['d,frob=1'] },
        /'frob' is none of format, readonly, cache, serial, queues, discard, werror, rerror, bus/,
      ],
      [{ disk: ['d,bus=sata'] }, /bus is virtio or scsi/],
      [{ disk: ['d,werror=panic'] }, /werror is enospc, report, ignore, stop/],
      [{ disk: ['d,rerror=enospc'] }, /rerror is report, ignore, stop/],
      [{ cdrom: ['d,readonly'] }, /--cdrom d,readonly: 'readonly' is none of format/],
      [{ disk: ['d,cache=lots'] }, /cache is writeback, none, writethrough, directsync, unsafe/],
      [{ disk: [',readonly'] }, /names no file/],
    ];
    for (const [options, pattern] of cases) assert.throws(() => parse(options), pattern);
    assert.throws(() => parse({ kernel: 'k' }, 'debian'), /debian and --kernel k: give one of them/);
  });

  it('let a disk be named with a comma', () => {
    assert.deepEqual(parseDisk('a,,b.img,format=raw,readonly'), { file: 'a,b.img', format: 'raw', readonly: true });
  });
});

describe('the exit status of a run', () => {
  it("is the guest's own, as far as a process can have it", () => {
    const code = (reason: Parameters<typeof exitCodeOfGuest>[0]['reason'], value: number) =>
      exitCodeOfGuest({ reason, code: value, detail: '' });
    assert.equal(code('poweroff', 0), 0);
    assert.equal(code('exit', 0), 0);
    assert.equal(code('exit', 7), 7);
    assert.equal(code('exit', 256), 255);
    assert.equal(code('exit', -1), 255);
    assert.equal(code('fail', 0), 1);
    assert.equal(code('fail', 42), 42);
    assert.equal(code('crashed', 0), 1);
  });
});

describe('the keys after Ctrl-A', () => {
  let done: string[];
  let filter: EscapeFilter;
  beforeEach(() => {
    done = [];
    filter = new EscapeFilter({ end: () => done.push('end'), help: () => done.push('help') });
  });
  const feed = (text: string) => Buffer.from(filter.feed(Buffer.from(text, 'latin1'))).toString('latin1');

  it('end the machine and help, and the rest goes to the guest', () => {
    assert.equal(feed('ab\x01hc\x01Xd'), 'abcd');
    assert.deepEqual(done, ['help', 'end']);
  });

  it('may come in another piece than Ctrl-A', () => {
    assert.equal(feed('a\x01'), 'a');
    assert.equal(feed('xb'), 'b');
    assert.deepEqual(done, ['end']);
  });

  it('send Ctrl-A itself when it is typed twice', () => {
    assert.equal(feed('\x01\x01x'), '\x01x');
    assert.deepEqual(done, []);
  });

  it('help when they mean nothing', () => {
    assert.equal(feed('\x01q'), '');
    assert.deepEqual(done, ['help']);
  });
});
