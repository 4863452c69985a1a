import { builtinModules } from 'node:module'
import { defineConfig } from 'vite'

const root = new URL('..', import.meta.url).pathname
const preload = process.env['WAYBILL_ELECTRON_PART'] === 'preload'

/** The shell: the main process as a module, the preload as the one CommonJS file that a sandbox takes. Two calls, one configuration. */
export default defineConfig({
  root,
  publicDir: false,
  ssr: { noExternal: preload ? true : [] },
  build: {
    ssr: true,
    target: 'node24',
    outDir: 'dist/electron',
    emptyOutDir: !preload,
    sourcemap: true,
    minify: false,
    rollupOptions: {
      input: preload ? { preload: 'electron/preload/index.ts' } : { main: 'electron/main/index.ts' },
      external: preload ? ['electron'] : ['electron', /^node:/, ...builtinModules, /^[^./]/],
      output: preload ? { format: 'cjs', entryFileNames: '[name].cjs' } : { format: 'es', entryFileNames: '[name].js' },
    },
  },
})
