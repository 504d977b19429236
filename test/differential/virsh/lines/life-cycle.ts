import type { Lines } from '../verdict.ts';

/** Lines about domains' life cycle. */
export const lines: Lines = {
  same: `
    suspend test; domstate test --reason
    suspend nope
    suspend test; resume test; domstate test --reason
    shutdown test
    shutdown test; domstate test --reason
    shutdown test --mode odd
    shutdown test --mode acpi,odd
    shutdown test --mode
    reboot test
    reboot test; domstate test --reason
    reboot test --mode odd
    destroy test; reboot test
    reset test
    destroy test; reset test
    destroy test
    destroy test; domstate test --reason
    destroy test; destroy test
    destroy test --graceful
    start test
    destroy test; start test
    destroy test; start test; domid test; domstate test --reason
    destroy test; start test --force-boot
    start nope
    start 1
    undefine test
    undefine test; list --all; destroy test; list --all
    destroy test; undefine test; list --all
    undefine test --managed-save
    undefine test --nvram --keep-nvram
    undefine test --storage vda
    undefine test --remove-all-storage
    undefine test --snapshots-metadata
    undefine test --checkpoints-metadata
    undefine test --wipe-storage
    undefine test --tpm
    undefine test --tpm --keep-tpm
    undefine test --keep-tpm
    undefine nope
    autostart test
    autostart test --disable
    autostart test x
    domrename test other
    destroy test; domrename test other; list --all
    destroy test; domrename test test
    destroy test; domrename test ''
    destroy test; domrename test a/b
    domrename test
    domrename nope x
    define DIR/new.xml
    define /nope
    define /tmp
    define
    define DIR/new.xml --validate
    define DIR/new.xml; define DIR/new.xml; list --all
    define DIR/clash.xml
    create DIR/new.xml
    create DIR/new.xml; list --all; destroy new; list --all
    create DIR/new.xml; create DIR/new.xml
    create DIR/test.xml
    create /nope
    create ''
    edit test
    edit nope
    console test
    console nope
    destroy test; console test
    console test --devname foo
    ttyconsole nope
    set-lifecycle-action test poweroff destroy
  `,
  words: `
    resume test
    destroy test; resume test
    destroy test; suspend test
    shutdown test --mode acpi,agent
    destroy test; shutdown test
    define DIR/nomem.xml
    define DIR/net.xml
    define DIR/badtype.xml
    destroy test; suspend test; resume test; shutdown test; reboot test
  `,
  xml: `
    define DIR/bad.xml
    create DIR/bad.xml
    create DIR/noname.xml
    define DIR/noname.xml
    define DIR/empty.xml
  `,
  more: `
    shutdown test --mode acpi
    destroy test --remove-logs
    destroy test; start test --autodestroy
    destroy test; start test --bypass-cache
    destroy test; start test --reset-nvram
    undefine test --nvram
    create DIR/new.xml --paused; domstate new --reason
  `,
  unsupported: `
    ttyconsole test
    destroy test; ttyconsole test
  `,
  own: [
    ['suspend test; suspend test', "as libvirt's QEMU driver: what is paused already stays so"],
    ['destroy test; start test --paused; domstate test --reason', 'the test driver forgets why a domain runs'],
    [
      'destroy test; start test --pass-fds 3',
      'open files cannot be handed to a machine of ours, so there is no option for them',
    ],
    ['autostart test; dominfo test', 'nothing confines domains of ours, and CPU time that was not spent is not shown'],
    [
      'create DIR/new.xml --pass-fds 7',
      'open files cannot be handed to a machine of ours, so there is no option for them',
    ],
  ],
};
