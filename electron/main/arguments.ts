/** What may stand on the command line of the desktop app. Judged like input from a network. */
import { isAbsolute, resolve } from 'node:path'

export interface ShellArguments {
  /** Absolute folder of the workspace, or null for the usual one. */
  readonly workspace: string | null
  /** Start without showing the window (login item). */
  readonly hidden: boolean
}

/** Switches that weaken the sandbox, open a debugger or reroute traffic. By prefix, so that new variants are caught too. */
const DANGEROUS = [
  'inspect', 'remote-debugging', 'remote-allow-origins', 'no-sandbox', 'disable-sandbox', 'disable-setuid-sandbox', 'disable-gpu-sandbox', 'disable-namespace-sandbox', 'disable-seccomp', 'no-zygote', 'single-process',
  'disable-web-security', 'disable-site-isolation', 'disable-features', 'disable-blink-features', 'enable-blink-features', 'allow-file-access', 'allow-running-insecure-content', 'unsafely-treat',
  'ignore-certificate-errors', 'host-rules', 'host-resolver-rules', 'proxy-', 'auth-server', 'auth-negotiate', 'js-flags', 'load-extension', 'renderer-cmd-prefix', 'utility-cmd-prefix', 'gpu-launcher', 'ppapi', 'register-pepper',
  'log-net-log', 'net-log', 'ssl-key-log-file', 'enable-logging', 'log-file', 'user-data-dir', 'trace-startup', 'vmodule', 'require', 'import', 'eval', 'app',
]

/** The first switch that must not be given, or null. */
export function dangerousSwitch(args: readonly string[], platform: string = process.platform): string | null {
  // Chromium takes a slash for a dash on Windows; elsewhere it starts a path.
  const form = platform === 'win32' ? /^(?:--?|\/)([\w-]+)/ : /^--?([\w-]+)/
  for (const argument of args) {
    const name = form.exec(argument)?.[1]?.toLowerCase()
    if (name !== undefined && (name === 'r' || DANGEROUS.some((start) => name.startsWith(start)))) return `--${name}`
  }
  return null
}

/** Reads what we know and ignores the rest; `cwd` resolves a relative workspace folder. */
export function readArguments(args: readonly string[], cwd: string): ShellArguments {
  let workspace: string | null = null
  let hidden = false
  for (const [index, argument] of args.entries()) {
    if (argument === '--hidden') hidden = true
    const given = argument === '--workspace' ? args[index + 1] : argument.startsWith('--workspace=') ? argument.slice('--workspace='.length) : undefined
    if (given !== undefined && isFolderText(given)) workspace = isAbsolute(given) ? given : resolve(cwd, given)
  }
  return { workspace, hidden }
}

function isFolderText(text: string): boolean {
  return text !== '' && !text.startsWith('-') && text.length <= 4096 && !text.includes('\0')
}

/**
 * What a second start asks of the running one. Only ever to show the window: its arguments come from any program of this
 * user and must not steer what is open here.
 */
export function secondInstanceRequest(args: unknown): { readonly show: boolean } {
  if (!Array.isArray(args) || args.length > 1000 || !args.every((argument) => typeof argument === 'string')) return { show: false }
  return { show: !readArguments(args, '/').hidden }
}
