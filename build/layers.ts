/** The layer rules of the code base, held against every import (types too). Names each violation and each circle. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { parseSync } from 'vite'

const ROOT = join(import.meta.dirname, '..')
const SOURCES = ['shared', 'electron', 'renderer']

interface Import {
  readonly from: string
  /** A path of ours relative to the root, or a package's name. */
  readonly to: string
  readonly external: boolean
}

/** Which of our folders each folder may import, the longest matching prefix deciding. */
const MAY_IMPORT: readonly (readonly [folder: string, ours: readonly string[], packages: RegExp])[] = [
  ['shared/contract', ['shared/contract'], /^zod$/],
  ['shared/client', ['shared/client', 'shared/contract'], /^zod$/],
  ['shared/core', ['shared/core', 'shared/contract'], /^(?!electron$|react|playwright)/],
  ['shared/practice', ['shared/practice', 'shared/contract', 'shared/core/crypto', 'shared/core/kernel', 'shared/core/protocols/as2'], /^(?!electron$|react)/],
  ['shared/hosts', ['shared/hosts', 'shared/core', 'shared/contract', 'shared/client', 'shared/practice'], /^(?!electron$|react)/],
  ['electron', ['electron', 'shared/hosts', 'shared/client', 'shared/contract', 'shared/core/kernel'], /^(?!react)/],
  ['renderer', ['renderer', 'shared/client', 'shared/contract'], /^(?!node:|electron$)/],
]

const violations: string[] = []

function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder)).flatMap((name) => {
    const path = join(folder, name)
    return statSync(join(ROOT, path)).isDirectory() ? filesBelow(path) : /\.tsx?$/.test(name) ? [path] : []
  })
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(ROOT, file), 'utf8')
  const { module } = parseSync(file, text)
  const dynamic = module.dynamicImports.flatMap(({ moduleRequest }) => {
    const literal = /^['"](.+)['"]$/.exec(text.slice(moduleRequest.start, moduleRequest.end))?.[1]
    return literal === undefined ? [] : [literal]
  })
  const exported = module.staticExports.flatMap(({ entries }) => entries.flatMap(({ moduleRequest }) => (moduleRequest ? [moduleRequest.value] : [])))
  const all = new Set([...module.staticImports.map(({ moduleRequest }) => moduleRequest.value), ...exported, ...dynamic])
  return [...all].map((specifier) => {
    const external = !specifier.startsWith('.')
    return { from: file, to: external ? specifier : relative(ROOT, resolve(ROOT, dirname(file), specifier)).replaceAll(sep, '/'), external }
  })
}

function inside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}

function checkFolders({ from, to, external }: Import): void {
  const rule = MAY_IMPORT.find(([folder]) => inside(from, folder))
  if (rule === undefined) return
  const [folder, ours, packages] = rule
  if (external ? !packages.test(to) : !ours.some((allowed) => inside(to, allowed))) violations.push(`${from} imports ${to}: not permitted in ${folder}`)
}

const DOMAINS = ['partners', 'trust', 'policy', 'deliveries', 'messages', 'flows', 'schedules', 'audit', 'evidence', 'posture', 'notifications', 'workspace', 'station', 'practice', 'cards', 'rollover', 'expectations', 'safekeeping', 'background']

function checkCore({ from, to, external }: Import): void {
  const protocol = /^shared\/core\/protocols\/(as2|sftp|ftps|s3|folder)\//.exec(from)?.[1]
  if (protocol !== undefined && !external) {
    const other = /^shared\/core\/protocols\/(as2|sftp|ftps|s3|folder)\//.exec(to)?.[1]
    if (other !== undefined && other !== protocol) violations.push(`${from} imports ${to}: a protocol never imports another`)
    if (inside(to, 'shared/core/store')) violations.push(`${from} imports ${to}: a protocol never imports the store`)
  }
  if (from.endsWith('/rules.ts') && external && /^node:(fs|net|http|https|child_process|dgram|tls)/.test(to)) violations.push(`${from} imports ${to}: rules do no I/O`)
  const domain = DOMAINS.find((name) => inside(from, `shared/core/${name}`))
  const repositoryOf = /^shared\/core\/([a-z]+)\/repository\.ts$/.exec(to)?.[1]
  if (domain !== undefined && repositoryOf !== undefined && repositoryOf !== domain) violations.push(`${from} imports ${to}: a domain never reaches into another's repository`)
}

/** One circle for each set of files that import each other in a loop (Tarjan). */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const index = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  const found: string[][] = []
  const visit = (file: string): void => {
    index.set(file, index.size)
    low.set(file, index.size - 1)
    stack.push(file)
    for (const next of graph.get(file) ?? []) {
      if (!index.has(next)) {
        visit(next)
        low.set(file, Math.min(low.get(file) ?? 0, low.get(next) ?? 0))
      } else if (stack.includes(next)) low.set(file, Math.min(low.get(file) ?? 0, index.get(next) ?? 0))
    }
    if (low.get(file) !== index.get(file)) return
    const circle = stack.splice(stack.indexOf(file))
    if (circle.length > 1) found.push(circle)
  }
  for (const file of graph.keys()) if (!index.has(file)) visit(file)
  return found
}

const files = SOURCES.flatMap(filesBelow).map((file) => file.replaceAll(sep, '/'))
const graph = new Map<string, string[]>()
for (const file of files) {
  const test = /\.test\.tsx?$|\/conformance\/|\/fuzz\.ts$/.test(file)
  const imports = importsOf(file)
  if (!test) for (const entry of imports) checkFolders(entry)
  if (!test) for (const entry of imports) checkCore(entry)
  graph.set(file, imports.filter(({ external }) => !external).map(({ to }) => to))
}
for (const circle of circles(graph)) violations.push(`circle: ${circle.join(' → ')}`)

for (const violation of violations) process.stderr.write(`${violation}\n`)
process.stderr.write(`layers: ${files.length} files, ${violations.length} violations\n`)
process.exitCode = violations.length === 0 ? 0 : 1
