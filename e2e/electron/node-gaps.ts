/** `node:` modules that Node 12 has under another name, or not at all. */
import type * as Promises from 'node:fs/promises'

const { promises } = require('fs') as { promises: typeof Promises }

export const { access, chmod, copyFile, link, lstat, mkdir, open, readdir, readFile, realpath, rename, stat, unlink, writeFile } = promises

/** Came with Node 14. */
export const rm = promises.rm ?? (async (path: string): Promise<void> => await promises.unlink(path).catch(() => undefined))
