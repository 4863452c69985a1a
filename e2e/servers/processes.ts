/** Starting servers and ending exactly those: never by name. */
import { execFileSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Children of a process, and theirs: the sessions of our own server and nobody else's. */
export function descendants(pid: number): number[] {
  let children: number[]
  try {
    children = execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)]).toString().split('\n').map(Number).filter((child) => child > 0)
  } catch {
    return []
  }
  return children.flatMap((child) => [...descendants(child), child])
}

/** Signals the children of a server, which serve its present connections. Answers how many. */
export function signalSessions(server: ChildProcess, signal: NodeJS.Signals): number {
  const sessions = descendants(server.pid ?? -1)
  for (const pid of sessions) {
    try {
      process.kill(pid, signal)
    } catch {
      // It ended by itself a moment ago.
    }
  }
  return sessions.length
}

/** Waits until a server serves no connection any more: what it had to write down of them is written. Throws when one goes on. */
export async function sessionsOver(server: ChildProcess, withinMs = 20_000): Promise<void> {
  for (let tries = 0; tries < withinMs / 50; tries++) {
    if (descendants(server.pid ?? -1).length === 0) return
    await sleep(50)
  }
  throw new Error('a connection of the server goes on')
}

/** Waits until a server answers on its port; throws with its log when it ends before. */
export async function listening(server: ChildProcess, port: number, log: () => string, withinMs = 5_000): Promise<void> {
  for (let tries = 0; tries < withinMs / 50; tries++) {
    if (server.exitCode !== null) throw new Error(`the server ended: ${log()}`)
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => {
        socket.destroy()
        resolve(true)
      })
      socket.once('error', () => resolve(false))
    })
    if (open) return
    await sleep(50)
  }
  throw new Error(`the server does not listen: ${log()}`)
}

/** Kills a server with the sessions it serves, as a power cut would, and starts the same again. Answers the new one. */
export async function killAndRestart(server: ChildProcess, spawnAgain: () => ChildProcess, port: number, log: () => string, withinMs?: number): Promise<ChildProcess> {
  const ended = once(server, 'exit')
  server.kill('SIGSTOP')
  signalSessions(server, 'SIGKILL')
  server.kill('SIGKILL')
  if (server.exitCode === null && server.signalCode === null) await ended
  const next = spawnAgain()
  await listening(next, port, log, withinMs)
  return next
}

export async function end(server: ChildProcess): Promise<void> {
  signalSessions(server, 'SIGKILL')
  const ended = once(server, 'exit')
  server.kill('SIGTERM')
  if (server.exitCode === null && server.signalCode === null) await ended
}
