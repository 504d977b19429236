import { poolTypes } from '../../../../virt/index.ts';
import type { CommandArgs } from '../arguments.ts';
import { flag, type OptionDef, text } from '../definition.ts';
import { UsageFailure } from '../failure.ts';
import { element } from '../xml.ts';

/** What `pool-define-as` and `pool-create-as` take to describe a pool. */
export const poolXmlOptions: readonly OptionDef[] = [
  text('name', 'name of the pool', { required: true }),
  text('type', 'type of the pool', { required: true, complete: poolTypes }),
  flag('print-xml', "print XML document, but don't define/create"),
  text('source-host', 'source-host for underlying storage'),
  text('source-path', 'source path for underlying storage'),
  text('source-dev', 'source device for underlying storage'),
  text('source-name', 'source name for underlying storage'),
  text('target', 'target for underlying storage', { complete: 'directory' }),
  text('source-format', 'format for underlying storage'),
  text('auth-type', 'auth type to be used for underlying storage'),
  text('auth-username', 'auth username to be used for underlying storage'),
  text('secret-usage', 'auth secret usage to be used for underlying storage'),
  text('secret-uuid', 'auth secret UUID to be used for underlying storage'),
  text('adapter-name', 'adapter name to be used for underlying storage'),
  text('adapter-wwnn', 'adapter wwnn to be used for underlying storage'),
  text('adapter-wwpn', 'adapter wwpn to be used for underlying storage'),
  text('adapter-parent', 'adapter parent scsi_hostN to be used for underlying vHBA storage'),
  text('adapter-parent-wwnn', 'adapter parent scsi_hostN wwnn to be used for underlying vHBA storage'),
  text('adapter-parent-wwpn', 'adapter parent scsi_hostN wwpn to be used for underlying vHBA storage'),
  text('adapter-parent-fabric-wwn', 'adapter parent scsi_hostN fabric_wwn to be used for underlying vHBA storage'),
  text('source-protocol-ver', 'nfsvers value for NFS pool mount option'),
  text('source-initiator', 'initiator iqn for underlying storage'),
];

function authXml(args: CommandArgs): string | undefined {
  const [type, username] = [args.text('auth-type'), args.text('auth-username')];
  const [usage, uuid] = [args.text('secret-usage'), args.text('secret-uuid')];
  if (usage !== undefined && uuid !== undefined) {
    throw new UsageFailure('Options --secret-usage and --secret-uuid are mutually exclusive');
  }
  if (type === undefined || username === undefined || (usage === undefined && uuid === undefined)) return undefined;
  return element('auth', { type, username }, [element('secret', { usage, uuid })]);
}

function adapterXml(args: CommandArgs): string | undefined {
  const [wwnn, wwpn] = [args.text('adapter-wwnn'), args.text('adapter-wwpn')];
  if (wwnn !== undefined && wwpn !== undefined) {
    return element('adapter', {
      type: 'fc_host',
      parent: args.text('adapter-parent'),
      parent_wwnn: args.text('adapter-parent-wwnn'),
      parent_wwpn: args.text('adapter-parent-wwpn'),
      parent_fabric_wwn: args.text('adapter-parent-fabric-wwn'),
      wwnn,
      wwpn,
    });
  }
  const name = args.text('adapter-name');
  return name === undefined ? undefined : element('adapter', { type: 'scsi_host', name });
}

/** Builds one part of `<source>` from an option's value, if it was given. */
function given(args: CommandArgs, option: string, build: (value: string) => string): string | undefined {
  const value = args.text(option);
  return value === undefined ? undefined : build(value);
}

/** The `<pool>` that the options describe. Throws UsageFailure. */
export function poolXml(args: CommandArgs): string {
  const parts = [
    given(args, 'source-host', (name) => element('host', { name })),
    given(args, 'source-path', (path) => element('dir', { path })),
    given(args, 'source-dev', (path) => element('device', { path })),
    given(args, 'source-initiator', (name) => element('initiator', {}, [element('iqn', { name })])),
    authXml(args),
    adapterXml(args),
    given(args, 'source-format', (type) => element('format', { type })),
    given(args, 'source-name', (name) => element('name', {}, name)),
    given(args, 'source-protocol-ver', (ver) => element('protocol', { ver })),
  ].filter((part) => part !== undefined);
  const target = args.text('target');
  return element('pool', { type: args.need('type') }, [
    element('name', {}, args.need('name')),
    parts.length === 0 ? undefined : element('source', {}, parts),
    target === undefined ? undefined : element('target', {}, [element('path', {}, target)]),
  ]);
}
