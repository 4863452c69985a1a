/** Asking an FTP server about one name: what is there, how large it is, since when. */
import type { FTPContext, FTPResponse } from 'basic-ftp'
import { withoutStack } from '../../kernel/without-stack.ts'
import type { RemoteFile } from '../file-protocol.ts'
import { replyCode } from './errors.ts'
import { readEntry, readTime, type Features } from './replies.ts'

/** Sends a command and answers its reply. Rejects with the reply when it refuses, and with what the line says. */
export type Ask = (command: string) => Promise<FTPResponse>

/** basic-ftp notes where each command comes from, in case two are asked at once. */
export function asking(context: FTPContext): Ask {
  return async (command) => await withoutStack(() => context.request(command))
}

export interface LookUp {
  /** What is at the path, under the name given; null when there is nothing. */
  at(path: string, name: string): Promise<RemoteFile | null>
  /** Its size, or null when there is no file. A folder may be null as well as a number: not every server has one for it. */
  sizeAt(path: string): Promise<number | null>
  isFolder(path: string): Promise<boolean>
  /** Null for a reply that refuses; everything else rejects. */
  answerTo(command: string): Promise<FTPResponse | null>
}

/** `folder`: where the session works, entered again after each try to enter another. */
export function createLookUp(ask: Ask, features: Features, folder: string): LookUp {
  const answerTo = async (command: string): Promise<FTPResponse | null> => {
    try {
      return await ask(command)
    } catch (error) {
      const code = replyCode(error)
      if (code === undefined || code === 421) throw error
      return null
    }
  }

  const isFolder = async (path: string): Promise<boolean> => {
    try {
      await ask(`CWD ${path}`)
    } catch (error) {
      if (replyCode(error) === undefined) throw error
      return false
    }
    await ask(`CWD ${folder}`)
    return true
  }

  const entryAt = async (path: string, name: string): Promise<{ readonly found: RemoteFile | null } | null> => {
    if (!features.has('MLST')) return null
    const told = await answerTo(`MLST ${path}`)
    const found = told === null ? null : readEntry(told.message, name)
    return told !== null && found === null ? null : { found }
  }

  /** SIZE knows only files. */
  const sizeBySize = async (path: string): Promise<number | null> => {
    const size = /^213\s+(\d+)/.exec((await answerTo(`SIZE ${path}`))?.message ?? '')?.[1]
    return size === undefined ? null : Number(size)
  }

  return {
    answerTo,
    isFolder,

    async at(path, name) {
      const entry = await entryAt(path, name)
      if (entry !== null) return entry.found
      const size = await sizeBySize(path)
      // vsftpd has no MLST, and no other way to tell a folder from nothing.
      if (size === null) return (await isFolder(path)) ? { name, kind: 'folder', size: 0, modifiedAt: null } : null
      const time = features.has('MDTM') ? await answerTo(`MDTM ${path}`) : null
      return { name, kind: 'file', size, modifiedAt: time === null ? null : readTime(time.message) }
    },

    async sizeAt(path) {
      const entry = await entryAt(path, '')
      return entry === null ? await sizeBySize(path) : (entry.found?.size ?? null)
    },
  }
}
