/** ZIP files against programs that nobody of us wrote, and against archives made to do harm. */
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { AppError } from '../kernel/errors.ts'
import { openArchive, type ArchiveLimits } from './zip-reader.ts'
import { zipped, type FileToZip } from './zip-writer.ts'

const LIMITS: ArchiveLimits = { files: 100, bytes: 64 * 1024 * 1024, ratio: 200, depth: 4 }
const NEW_YEAR = Date.parse('2026-01-01T00:30:10.000Z')
const has = (program: string): boolean => !spawnSync(program, ['--help'], { stdio: 'ignore' }).error

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-zip-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const file = (name: string, content: Uint8Array | string, modified = NEW_YEAR): FileToZip => {
  const bytes = Buffer.from(content)
  return { name, size: bytes.length, modified, read: () => pieces(bytes) }
}
async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 50_000) yield await Promise.resolve(bytes.subarray(at, at + 50_000))
}
const write = async (files: readonly FileToZip[]): Promise<Buffer> => await buffer(zipped(files))
const read = async (archive: Uint8Array, limits: Partial<ArchiveLimits> = {}): Promise<Record<string, string>> => {
  const opened = await openArchive({ size: archive.length, read: (offset) => pieces(archive.subarray(offset)) }, { ...LIMITS, ...limits })
  try {
    const found: Record<string, string> = {}
    for (const one of opened.files) found[one.path] = (await buffer(one.read())).toString()
    return found
  } finally {
    opened.close()
  }
}
const refusal = async (archive: Uint8Array, limits: Partial<ArchiveLimits> = {}): Promise<string> => {
  try {
    return `no refusal: ${Object.keys(await read(archive, limits)).join(' ')}`
  } catch (error) {
    return error instanceof AppError ? error.code : String(error)
  }
}
/** Python's zipfile, told what to write; one process for all of them. */
const python = (...scripts: readonly string[]): Buffer[] => {
  const lines = scripts.flatMap((script, index) => [`z = ZipFile(sys.argv[1] + '/${index}.zip', 'w', ZIP_DEFLATED)`, script, 'z.close()'])
  execFileSync('python3', ['-W', 'ignore', '-c', ['import copy, sys', 'from zipfile import *', ...lines].join('\n'), folder])
  return scripts.map((_, index) => readFileSync(join(folder, `${index}.zip`)))
}
const refusals = async (...scripts: readonly string[]): Promise<string[]> => await Promise.all(python(...scripts).map(async (archive) => await refusal(archive)))

describe('writing', () => {
  afterEach(() => {
    process.env['TZ'] = 'UTC'
  })

  it('gives the same bytes for the same files, in any time zone', async () => {
    const files = [file('a.edi', 'ORDER A\n'.repeat(5000)), file('ä b.txt', ''), file('sub/c.bin', Buffer.alloc(200_000, 7))]
    const hashes = new Set<string>()
    for (const zone of ['UTC', 'America/St_Johns', 'Pacific/Kiritimati']) {
      process.env['TZ'] = zone
      hashes.add(createHash('sha256').update(await write(files)).digest('hex'))
    }
    expect(hashes.size).toBe(1)
    expect(createHash('sha256').update(await write([file('a.edi', 'ORDER A\n'.repeat(5000), NEW_YEAR + 2000), ...files.slice(1)])).digest('hex')).not.toBe([...hashes][0])
    expect(Object.keys(await read(await write(files)))).toEqual(['a.edi', 'ä b.txt', 'sub/c.bin'])
  })

  it.skipIf(!has('unzip'))('is read by Info-ZIP and by Python', async () => {
    const path = join(folder, 'ours.zip')
    writeFileSync(path, await write([file('a.edi', 'ORDER A'), file('ümlaut.edi', randomBytes(300_000)), file('empty', '')]))
    expect(execFileSync('unzip', ['-t', path]).toString()).toContain('No errors detected')
    expect(execFileSync('python3', ['-c', 'import zipfile,sys; z=zipfile.ZipFile(sys.argv[1]); print(z.testzip(), [(i.filename, i.file_size, i.date_time) for i in z.infolist()])', path]).toString().trim()).toBe("None [('a.edi', 7, (2026, 1, 1, 0, 30, 10)), ('ümlaut.edi', 300000, (2026, 1, 1, 0, 30, 10)), ('empty', 0, (2026, 1, 1, 0, 30, 10))]")
  })

  it('passes on what fails in a file, and a size that is not what was said', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(Buffer.from('half'))
      throw new AppError('delivery.source_changed', 'it changed')
    }
    await expect(write([file('a', 'a'), { name: 'b', size: 4, modified: 0, read: broken }, file('c', 'c')])).rejects.toMatchObject({ code: 'delivery.source_changed' })
    await expect(write([{ ...file('a', 'abc'), size: 4 }])).rejects.toThrow(/unexpected number of bytes/)
  })
})

describe('reading what others wrote', () => {
  it.skipIf(!has('zip'))('Info-ZIP, with folders, Unicode names, stored and streamed', async () => {
    const source = join(folder, 'source')
    mkdirSync(join(source, 'sub', 'deep'), { recursive: true })
    writeFileSync(join(source, 'a.edi'), 'ORDER A')
    writeFileSync(join(source, 'ümlaut ß.edi'), 'ORDER B')
    writeFileSync(join(source, 'sub', 'deep', 'c.edi'), 'ORDER C\n'.repeat(10_000))
    const wanted = { 'a.edi': 'ORDER A', 'ümlaut ß.edi': 'ORDER B', 'sub/deep/c.edi': 'ORDER C\n'.repeat(10_000) }
    for (const options of [['-9'], ['-0'], ['-fz']]) {
      const path = join(folder, `info${options[0] ?? ''}.zip`)
      execFileSync('zip', ['-qr', ...options, path, '.'], { cwd: source })
      expect(await read(readFileSync(path)), options.join(' ')).toEqual(wanted)
    }
    expect(await read(execFileSync('sh', ['-c', 'zip -qr - . | cat'], { cwd: source, maxBuffer: 1e8 }))).toEqual(wanted)
    const withPassword = join(folder, 'password.zip')
    execFileSync('zip', ['-qr', '-P', 'secret', withPassword, 'a.edi'], { cwd: source })
    expect(await refusal(readFileSync(withPassword))).toBe('zip.encrypted')
    symlinkSync('/etc/passwd', join(source, 'link'))
    const withLink = join(folder, 'link.zip')
    execFileSync('zip', ['-qry', withLink, '.'], { cwd: source })
    expect(await refusal(readFileSync(withLink))).toBe('zip.not_a_file')
  })

  it.skipIf(!has('bsdtar'))('bsdtar, which writes as it streams', async () => {
    const source = join(folder, 'for-bsdtar')
    mkdirSync(source)
    writeFileSync(join(source, 'a.edi'), 'ORDER A')
    writeFileSync(join(source, 'b.bin'), Buffer.alloc(100_000, 65))
    execFileSync('bsdtar', ['--format', 'zip', '-cf', 'made.zip', 'a.edi', 'b.bin'], { cwd: source })
    expect(await read(readFileSync(join(source, 'made.zip')))).toEqual({ 'a.edi': 'ORDER A', 'b.bin': 'A'.repeat(100_000) })
  })

  it('Python, also in ZIP64 and stored', async () => {
    const [filled, empty] = python("z.writestr('a.edi', 'A'); z.writestr(ZipInfo('b.edi'), 'B')\nwith z.open('c.edi', 'w', force_zip64=True) as f: f.write(b'C' * 100000)", '')
    expect(await read(filled ?? Buffer.alloc(0))).toEqual({ 'a.edi': 'A', 'b.edi': 'B', 'c.edi': 'C'.repeat(100_000) })
    expect(await read(empty ?? Buffer.alloc(0))).toEqual({})
  })
})

describe('refuses', () => {
  it('names that lead elsewhere', async () => {
    const names = ['../evil', 'a/../../evil', '/etc/passwd', 'C:/evil', 'c:evil', 'a//b', './a', 'a/./b']
    expect(await refusals(...names.map((name) => `z.writestr('good.edi', 'G'); i = ZipInfo(); i.filename = ${JSON.stringify(name)}; z.writestr(i, 'E')`))).toEqual(names.map(() => 'zip.unsafe_name'))
    const [plain] = python("z.writestr('..x..xevil', 'E'); z.writestr('good', 'G')")
    for (const name of ['..\\..\\evil', 'aa\u0000bb\ncccc']) expect(await refusal(Buffer.from(plain?.toString('latin1').replaceAll('..x..xevil', name) ?? '', 'latin1'))).toBe('zip.unsafe_name')
  })

  it('the same name twice, in any case and any way to write it', async () => {
    expect(await refusals("z.writestr('a.edi', '1'); z.writestr('A.EDI', '2')", "z.writestr('\\u00fc', '1'); z.writestr('u\\u0308', '2')")).toEqual(['zip.duplicate_name', 'zip.duplicate_name'])
  })

  it('symbolic links and devices, whoever marks them', async () => {
    const modes = [0o120777, 0o020666, 0o010666]
    expect(await refusals(...modes.map((mode) => `i = ZipInfo('x'); i.create_system = 3; i.external_attr = ${mode} << 16; z.writestr(i, '/etc/passwd')`))).toEqual(modes.map(() => 'zip.not_a_file'))
  })

  it('too many, too large, too deep, too well packed', async () => {
    const [many, large, deep, bomb] = python("[z.writestr(f'{n}', 'x') for n in range(101)]", "z.writestr('a', b'x' * 2000)", "z.writestr('1/2/3/4/5/a', 'x')", "z.writestr('a', bytes(20000000))") as [Buffer, Buffer, Buffer, Buffer]
    expect([await refusal(many), await refusal(large, { bytes: 1999 }), await refusal(deep), await refusal(bomb)]).toEqual(Array.from({ length: 4 }, () => 'zip.too_large'))
    expect(await refusal(bomb, { ratio: 5000 })).toMatch(/^no refusal/)
  })

  it('a size that is a lie, files that overlap, names that differ between directory and place', async () => {
    const [lie, overlapping, twoNames] = python(
      "z.writestr('a', b'x' * 100000)",
      "z.writestr('a', open('/dev/urandom', 'rb').read(50000))\nfor n in 'bcdef':\n i = copy.copy(z.infolist()[0]); i.filename = i.orig_filename = n; z.filelist.append(i); z.NameToInfo[n] = i",
      "z.writestr('harmless', 'x')",
    ) as [Buffer, Buffer, Buffer]
    lie.writeUInt32LE(10, lie.lastIndexOf(Buffer.from([0x50, 0x4b, 1, 2])) + 24)
    twoNames.write('elsewise', 30)
    for (const archive of [lie, overlapping, twoNames]) expect(await refusal(archive)).toBe('zip.damaged')
  })

  it('what is no archive, and unknown methods', async () => {
    expect(await refusal(Buffer.alloc(0))).toBe('zip.damaged')
    expect(await refusal(Buffer.from('ISA*00*'.repeat(100)))).toBe('zip.damaged')
    expect(await refusals("z.writestr('a', 'x' * 1000, ZIP_BZIP2)")).toEqual(['zip.unsupported'])
  })

  it('every cut and every changed byte, or reads exactly what was packed', async () => {
    const archive = await write([file('a.edi', 'ORDER A\n'.repeat(30)), file('b.edi', randomBytes(60))])
    const whole = JSON.stringify(await read(archive))
    for (let length = 0; length < archive.length; length += 7) expect(await refusal(archive.subarray(0, length))).toMatch(/^zip\./)
    let refused = 0
    for (let at = 0; at < archive.length; at++) {
      const changed = Buffer.from(archive)
      changed[at] = (changed[at] ?? 0) ^ 0x41
      const answer = await read(changed).then(
        (found) => JSON.stringify(Object.values(found)) === JSON.stringify(Object.values(JSON.parse(whole) as object)),
        (error: unknown) => error instanceof AppError && error.code.startsWith('zip.') && (refused += 1) > 0,
      )
      expect(answer, `byte ${at}`).toBe(true)
    }
    expect(refused).toBeGreaterThan(archive.length / 2)
  })
})
