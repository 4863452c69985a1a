import { fileURLToPath } from 'node:url'
import type { PracticePort } from '../core/practice/port.ts'
import { startPractice } from '../practice/start.ts'

/** The practice partner in a process of its own, on the runtime of this one. */
export function practiceProcess(): PracticePort {
  const built = import.meta.url.endsWith('.ts') ? '../practice/main.ts' : './practice.js'
  const entry = fileURLToPath(new URL(built, import.meta.url))
  return {
    async start(folder) {
      const server = await startPractice({ folder, entry, execPath: process.execPath })
      return { host: '127.0.0.1', port: server.port, username: server.username, password: server.password, hostKey: server.hostKey, stop: async () => await server.stop() }
    },
  }
}
