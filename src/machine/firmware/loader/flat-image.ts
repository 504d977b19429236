import type { Image, ImageFile } from '../../config.ts';
import { ByteReader, fileError } from './bytes.ts';
import { checkInRam, type LoadedImage, type RamRange } from './plan.ts';

/** RISC-V boot image header (Linux, Documentation/arch/riscv/boot-image-header.rst). */
const Header = { BYTES: 64, TEXT_OFFSET: 8, IMAGE_SIZE: 16, FLAGS: 24, MAGIC2: 56, PE_OFFSET: 60 } as const;

/** Whether the file has the header of a RISC-V flat Image. */
export function isFlatImage(image: Image): boolean {
  return new ByteReader(image).has(Header.MAGIC2, 'RSC\x05');
}

/** An Image with EFI stub is also a PE file, whose section table tells how long it has to be. */
function checkComplete(reader: ByteReader): void {
  if (!reader.has(0, 'MZ')) return;
  const pe = reader.u32(Header.PE_OFFSET, 'the EFI header');
  if (!reader.has(pe, 'PE\0\0')) throw fileError(reader.image, 'truncated or damaged: its EFI header is missing');
  const sections = reader.u16(pe + 6, 'the EFI header');
  const table = pe + 24 + reader.u16(pe + 20, 'the EFI header');
  for (let i = 0; i < sections; i++) {
    const what = `EFI section ${i}`;
    const bytes = reader.u32(table + i * 40 + 16, what);
    reader.checkInFile(reader.u32(table + i * 40 + 20, what), bytes, what);
  }
}

/**
 * A flat kernel Image at RAM + text_offset, with image_size bytes kept for it.
 * @param file the file to load, when `image` is its beginning with all headers
 * @throws VirtError INVALID_ARG naming the file and the reason.
 */
export function loadFlatImage(image: Image, ram: RamRange, file?: ImageFile): LoadedImage {
  const fileBytes = file?.length ?? image.bytes.length;
  const reader = new ByteReader(image, fileBytes);
  reader.slice(0, Header.BYTES, 'the Image header');
  if ((reader.u64(Header.FLAGS, 'flags') & 1n) !== 0n) throw fileError(image, 'a big-endian kernel Image');
  checkComplete(reader);
  const gpa = ram.gpa + reader.offset(Header.TEXT_OFFSET, 'text_offset');
  if (gpa % 4096 !== 0) throw fileError(image, 'bad kernel Image: text_offset is not a multiple of 4096');
  const bytes = Math.max(fileBytes, reader.offset(Header.IMAGE_SIZE, 'image_size'));
  checkInRam(image, 'the kernel', gpa, bytes, ram);
  return {
    name: image.name,
    format: 'image',
    plan:
      file === undefined
        ? { zeros: [], writes: [{ gpa, bytes: image.bytes }] }
        : { zeros: [], files: [{ gpa, file }], writes: [] },
    start: gpa,
    end: gpa + bytes,
    entry: gpa,
    virtualEntry: false,
    efi: reader.has(0, 'MZ'),
    symbols: {},
  };
}
