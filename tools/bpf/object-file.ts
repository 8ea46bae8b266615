// The ELF object that clang makes of the BPF programs (elf.h): for each program its instructions, and which of them name
// a map.

export interface CompiledProgram {
  readonly name: string;
  readonly instructions: Buffer;
  /** By the name of a map: the numbers of the instructions that name it. */
  readonly maps: ReadonlyMap<string, readonly number[]>;
}

interface Section {
  readonly name: string;
  readonly type: number;
  readonly bytes: Buffer;
  /** For relocations: the number of the section that they concern. */
  readonly info: number;
}

const SHT_SYMTAB = 2;
const SHT_REL = 9;
const SYMBOL_BYTES = 24;
const RELOCATION_BYTES = 16;
const INSTRUCTION_BYTES = 8;
/** llvm, R_BPF_64_64: a 64-bit load of a symbol. */
const R_BPF_64_64 = 1;
const PREFIX = 'cgroup/';

/** The programs of sections `cgroup/NAME`. */
export function readObjectFile(file: Buffer): CompiledProgram[] {
  const sections = readSections(file);
  const symbolAt = symbolNames(file, sections);
  return sections
    .map((section, index) => ({ section, index }))
    .filter(({ section }) => section.name.startsWith(PREFIX))
    .map(({ section, index }) => {
      const maps = new Map<string, number[]>();
      const relocations = sections.filter(({ type, info }) => type === SHT_REL && info === index);
      for (const { bytes } of relocations) {
        for (let at = 0; at < bytes.length; at += RELOCATION_BYTES) {
          const kind = bytes.readUInt32LE(at + 8);
          const map = symbolAt(bytes.readUInt32LE(at + 12));
          if (kind !== R_BPF_64_64)
            throw new Error(`${section.name}: relocation ${kind} of ${map} is not of a map`);
          const users = maps.get(map) ?? [];
          users.push(Number(bytes.readBigUInt64LE(at)) / INSTRUCTION_BYTES);
          maps.set(map, users);
        }
      }
      return { name: section.name.slice(PREFIX.length), instructions: section.bytes, maps };
    });
}

function readSections(file: Buffer): Section[] {
  const headers = Number(file.readBigUInt64LE(0x28));
  const [size, count, namesIndex] = [0x3a, 0x3c, 0x3e].map((offset) => file.readUInt16LE(offset));
  const raw = Array.from({ length: count ?? 0 }, (_, index) => {
    const header = file.subarray(headers + index * (size ?? 0));
    const start = Number(header.readBigUInt64LE(24));
    return {
      name: header.readUInt32LE(0),
      type: header.readUInt32LE(4),
      bytes: file.subarray(start, start + Number(header.readBigUInt64LE(32))),
      info: header.readUInt32LE(44),
    };
  });
  const names = raw[namesIndex ?? 0]?.bytes ?? Buffer.alloc(0);
  return raw.map((section) => ({ ...section, name: textAt(names, section.name) }));
}

/** Clang keeps names of sections and symbols in one table. */
function symbolNames(file: Buffer, sections: readonly Section[]): (index: number) => string {
  const names = sections[file.readUInt16LE(0x3e)]?.bytes ?? Buffer.alloc(0);
  const table = sections.find(({ type }) => type === SHT_SYMTAB)?.bytes ?? Buffer.alloc(0);
  return (index) => textAt(names, table.readUInt32LE(index * SYMBOL_BYTES));
}

function textAt(bytes: Buffer, offset: number): string {
  return bytes.toString('latin1', offset, bytes.indexOf(0, offset));
}
