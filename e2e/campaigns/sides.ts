/** The partner's side of an exchange, as a campaign looks at it. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Side } from '../servers/file-partners.ts'
import type { Gnupg } from '../servers/gpg.ts'

export const shaOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** A folder that may not be there yet. Everything in it counts, hidden things too. */
export function onDisk(folder: string): Pick<Side, 'names' | 'hash' | 'read' | 'put'> {
  const at = (name: string): string => join(folder, name)
  return {
    names: async () => await Promise.resolve(existsSync(folder) ? readdirSync(folder).toSorted() : []),
    hash: async (name) => await Promise.resolve(existsSync(at(name)) ? shaOf(readFileSync(at(name))) : null),
    read: async (name) => await Promise.resolve(readFileSync(at(name))),
    async put(name, content) {
      mkdirSync(folder, { recursive: true })
      writeFileSync(at(`.${name}.part`), content)
      await Promise.resolve(renameSync(at(`.${name}.part`), at(name)))
    },
  }
}

const LOOKS_MS = 120

/** A partner that takes files away as soon as they have their names. What comes a second time stands there twice. */
export function pickingUp(folder: string, below: string): { readonly sent: Pick<Side, 'names' | 'hash' | 'read'>; undone(): void } {
  const taken = mkdtempSync(join(below, 'taken-'))
  const look = (): void => {
    for (const name of (existsSync(folder) ? readdirSync(folder) : []).filter((one) => !one.startsWith('.'))) {
      let as = name
      while (existsSync(join(taken, as))) as = `${as}.again`
      renameSync(join(folder, name), join(taken, as))
    }
  }
  const timer = setInterval(look, LOOKS_MS)
  const [left, kept] = [onDisk(folder), onDisk(taken)]
  return {
    sent: {
      async names() {
        look()
        return [...(await left.names()), ...(await kept.names())].toSorted()
      },
      async hash(name) {
        look()
        return await kept.hash(name)
      },
      async read(name) {
        look()
        return await kept.read(name)
      },
    },
    undone: () => clearInterval(timer),
  }
}

const ENDING = '.pgp'

/** What is protected on the way, by GnuPG's word: only what we signed and what it can open has a content. */
export function throughGnupg(gpg: Gnupg, keys: { readonly ours: string; readonly theirs: string }, sides: { readonly sent: Pick<Side, 'names' | 'read'>; readonly offered: Side }): { readonly sent: Pick<Side, 'names' | 'hash'>; readonly offered: Pick<Side, 'names' | 'put'> } {
  return {
    sent: {
      names: async () => (await sides.sent.names()).map((name) => (name.endsWith(ENDING) ? name.slice(0, -ENDING.length) : name)),
      async hash(name) {
        if (!(await sides.sent.names()).includes(`${name}${ENDING}`)) return null
        const { status, output, said } = gpg.ask(['--status-fd', '2', '--decrypt'], await sides.sent.read(`${name}${ENDING}`))
        const signed = new RegExp(`VALIDSIG .*${keys.ours}`, 'i').test(said)
        return status === 0 && signed ? shaOf(output) : `not as agreed: ${said}`
      },
    },
    offered: {
      names: async () => await sides.offered.names(),
      put: async (name, content) => await sides.offered.put(`${name}${ENDING}`, gpg.run(['--local-user', keys.theirs, '--sign', '--recipient', keys.ours, '--encrypt'], content)),
    },
  }
}
