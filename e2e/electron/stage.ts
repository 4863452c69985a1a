/** Builds a folder that looks like the app, lowered for the ring's runtime. */
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { build, type Plugin } from 'vite'

const ROOT = join(import.meta.dirname, '../..')
const HERE = import.meta.dirname
const TARGET = 'chrome83'

/** Exchanges `electron` for the shim, and `node:` names for those of Node 12. */
function exchange(shim: string): Plugin {
  return {
    name: 'ring-exchange',
    enforce: 'pre',
    resolveId(source, importer) {
      if (source === 'electron') return importer?.endsWith(shim) === true ? { id: 'electron', external: true } : join(HERE, shim)
      if (source === 'node:fs/promises' && importer?.endsWith('node-gaps.ts') !== true) return join(HERE, 'node-gaps.ts')
      const bare = source.replace(/^node:/, '')
      return builtinModules.includes(bare) ? { id: bare, external: true } : null
    },
  }
}

/** The polyfills run before anything else of the entry. */
function before(entry: string): Plugin {
  const id = '\0ring-entry'
  return {
    name: 'ring-entry',
    resolveId: (source) => (source === 'ring-entry' ? id : null),
    load: (loaded) => (loaded === id ? `import ${JSON.stringify(join(HERE, 'polyfills.ts'))}\nimport ${JSON.stringify(join(ROOT, entry))}\n` : null),
  }
}

async function bundle(entry: string, shim: string, file: string): Promise<void> {
  await build({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    publicDir: false,
    plugins: [exchange(shim), before(entry)],
    ssr: { noExternal: true },
    build: {
      ssr: true,
      target: TARGET,
      minify: false,
      emptyOutDir: false,
      outDir: join(file, '..'),
      rollupOptions: { input: 'ring-entry', output: { format: 'cjs', entryFileNames: file.slice(file.lastIndexOf('/') + 1), codeSplitting: false } },
    },
  })
}

/** The window, with the polyfills in its entry. */
async function bundleWindow(folder: string): Promise<void> {
  const polyfills: Plugin = {
    name: 'ring-window',
    enforce: 'pre',
    transform: (code, id) => (id === join(ROOT, 'renderer/main.tsx') ? `import ${JSON.stringify(join(HERE, 'polyfills.ts'))}\n${code}` : null),
    // Modules may not wait at their top level before Chromium 89; the entry is one chunk without imports, so a function serves.
    renderChunk: (code, chunk) => (chunk.isEntry ? `(async () => {\n${code}\n})()` : null),
  }
  await build({
    configFile: join(ROOT, 'build/vite.renderer.ts'),
    logLevel: 'error',
    plugins: [polyfills],
    build: { outDir: folder, target: TARGET, cssTarget: TARGET, sourcemap: false },
  })
}

/** Fills `folder`; it is what the runtime is started with. */
export async function stageApp(folder: string): Promise<void> {
  mkdirSync(join(folder, 'dist'), { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'waybill', version: '0.0.0', main: 'dist/electron/main.js' }))
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  symlinkSync(join(ROOT, 'dist/core'), join(folder, 'dist/core'))
  cpSync(join(ROOT, 'resources'), join(folder, 'resources'), { recursive: true })
  await bundle('electron/main/index.ts', 'shim-main.ts', join(folder, 'dist/electron/main.js'))
  await bundle('electron/preload/index.ts', 'shim-preload.ts', join(folder, 'dist/electron/preload.cjs'))
  await bundleWindow(join(folder, 'dist/renderer'))
}
