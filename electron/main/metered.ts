/** Whether the present network is paid by volume, as far as the system tells a program. */
import { execFile } from 'node:child_process'

interface Question {
  readonly command: string
  readonly args: readonly string[]
  readonly read: (answer: string) => boolean | null
}

/** NetworkManager's property (`NMMetered`): 1 yes, 2 no, 3 guessed yes, 4 guessed no. */
export function readNetworkManager(answer: string): boolean | null {
  const value = /^u (\d)/.exec(answer)?.[1]
  return value === '1' || value === '3' ? true : value === '2' || value === '4' ? false : null
}

/** Windows' cost of the connection: `Unrestricted`, `Fixed`, `Variable`. */
export function readConnectionCost(answer: string): boolean | null {
  const value = answer.trim()
  return value === 'Unrestricted' ? false : value === 'Fixed' || value === 'Variable' ? true : null
}

/** XNU's `IFEF_EXPENSIVE` (bsd/net/if.h): a personal hotspot, or what a person marked so. */
const EXPENSIVE = 0x4000

/** macOS' `ifconfig -v`: `eflags=…` of the interface of the default route; “Low Data Mode” stands there as a word. */
export function readInterfaceFlags(answer: string): boolean | null {
  const flags = /\beflags=([0-9a-f]+)/i.exec(answer)?.[1]
  if (flags === undefined) return null
  return (Number.parseInt(flags, 16) & EXPENSIVE) !== 0 || /[<,]CONSTRAINED[,>]/.test(answer)
}

const QUESTIONS: Readonly<Record<string, Question>> = {
  linux: {
    command: 'busctl',
    args: ['get-property', 'org.freedesktop.NetworkManager', '/org/freedesktop/NetworkManager', 'org.freedesktop.NetworkManager', 'Metered'],
    read: readNetworkManager,
  },
  darwin: {
    command: '/bin/sh',
    args: ['-c', 'ifconfig -v "$(route -n get default | sed -n "s/^ *interface: *//p")"'],
    read: readInterfaceFlags,
  },
  win32: {
    command: 'powershell.exe',
    args: ['-NoProfile', '-NonInteractive', '-Command', '[void][Windows.Networking.Connectivity.NetworkInformation,Windows,ContentType=WindowsRuntime];[Windows.Networking.Connectivity.NetworkInformation]::GetInternetConnectionProfile().GetConnectionCost().NetworkCostType'],
    read: readConnectionCost,
  },
}

const PATIENCE_MS = 5_000

/** Null where the system does not tell. */
export async function readMetered(platform: string): Promise<boolean | null> {
  const question = QUESTIONS[platform]
  if (question === undefined) return null
  return await new Promise((resolve) => {
    execFile(question.command, [...question.args], { timeout: PATIENCE_MS, windowsHide: true }, (error, answer) => resolve(error === null ? question.read(answer) : null))
  })
}
