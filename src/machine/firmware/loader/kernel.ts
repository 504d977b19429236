import type { Image, ImageFile } from '../../config.ts';
import { ByteReader, fileError } from './bytes.ts';
import { isElf, loadElf } from './elf.ts';
import { isFlatImage, loadFlatImage } from './flat-image.ts';
import { checkInRam, type LoadedImage, type RamRange } from './plan.ts';
import { gunzip, isGzip, isZboot, unpackZboot } from './unpack.ts';

/** Things people mistake for a kernel, by the bytes they have at an offset. */
const strangers: readonly (readonly [at: number, magic: string, what: string])[] = [
  [0, '\xfd7zXZ\0', 'compressed with xz: unpack it first (xz -d)'],
  [0, '\x28\xb5\x2f\xfd', 'compressed with zstd: unpack it first (zstd -d)'],
  [0, 'BZh', 'compressed with bzip2: unpack it first (bunzip2)'],
  [0, '\x02\x21\x4c\x18', 'compressed with lz4: unpack it first (lz4 -d)'],
  [0, '\x04\x22\x4d\x18', 'compressed with lz4: unpack it first (lz4 -d)'],
  [0, '\x89LZO\0', 'compressed with lzop: unpack it first (lzop -d)'],
  [0, '\x27\x05\x19\x56', 'a U-Boot legacy image (uImage): take the Image it was made from'],
  [0, '\xd0\x0d\xfe\xed', 'a device tree or FIT image, not a kernel'],
  [0, '!<arch>\n', 'an archive (a Debian package?), not a kernel'],
  [0, '070701', 'a cpio archive (an initramfs?), not a kernel'],
  [56, 'ARM\x64', 'a kernel Image for arm64, not for RISC-V'],
  [514, 'HdrS', 'a kernel for x86 (bzImage), not for RISC-V'],
  [0, 'MZ', 'an EFI program, but not a RISC-V kernel Image'],
];

function refuse(image: Image): never {
  const reader = new ByteReader(image);
  const stranger = strangers.find(([at, magic]) => reader.has(at, magic));
  if (stranger !== undefined) throw fileError(image, stranger[2]);
  const length = image.bytes.length;
  if (length < 64) throw fileError(image, `truncated or no kernel at all: ${length} bytes`);
  throw fileError(image, 'not a kernel: neither ELF nor RISC-V Image, Image.gz or EFI zboot');
}

/** Where the headers of a flat Image are, those of its EFI stub included. */
const HEAD_BYTES = 64 * 1024;

/** As much of the file as `bytes` says, in memory. */
function readBeginning(file: ImageFile, bytes: number): Image {
  const beginning = new Uint8Array(bytes);
  file.read(0, beginning);
  return { name: file.name, bytes: beginning };
}

/** A flat Image is not read before it is loaded; any other kernel has to be. */
function loadKernelFile(file: ImageFile, ram: RamRange): LoadedImage {
  const head = readBeginning(file, Math.min(file.length, HEAD_BYTES));
  if (isFlatImage(head)) {
    try {
      return loadFlatImage(head, ram, file);
    } catch {
      // With all of the file it is certain what is wrong.
    }
  }
  return loadKernel(readBeginning(file, file.length), ram);
}

/**
 * A kernel in any format taken: ELF, flat Image, either in gzip, or EFI zboot.
 * @throws VirtError naming the file and the reason.
 */
export function loadKernel(image: Image | ImageFile, ram: RamRange): LoadedImage {
  if ('read' in image) return loadKernelFile(image, ram);
  if (image.bytes.length === 0) throw fileError(image, 'the file is empty');
  let plain = image;
  if (isZboot(plain)) plain = unpackZboot(plain, ram.bytes);
  else if (isGzip(plain)) plain = gunzip(plain, ram.bytes);
  if (isElf(plain)) return loadElf(plain, ram);
  if (isFlatImage(plain)) return loadFlatImage(plain, ram);
  return refuse(plain);
}

/**
 * M-mode firmware: an ELF at its own addresses, anything else as a flat binary at the start of RAM, entered there.
 * @throws VirtError naming the file and the reason.
 */
export function loadFirmware(image: Image, ram: RamRange): LoadedImage {
  if (image.bytes.length === 0) throw fileError(image, 'the file is empty');
  if (isElf(image)) return loadElf(image, ram);
  const bytes = image.bytes.length;
  checkInRam(image, 'the firmware', ram.gpa, bytes, ram);
  return {
    name: image.name,
    format: 'flat',
    plan: { zeros: [], writes: [{ gpa: ram.gpa, bytes: image.bytes }] },
    start: ram.gpa,
    end: ram.gpa + bytes,
    entry: ram.gpa,
    virtualEntry: false,
    symbols: {},
  };
}
