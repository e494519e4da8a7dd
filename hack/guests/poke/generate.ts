import { writeFile } from 'node:fs/promises';
import { buildPokeKernel, MODULE, pokeModule } from './kernel.ts';

await writeFile(MODULE, pokeModule(await buildPokeKernel()));
console.log(`wrote ${MODULE}`);
