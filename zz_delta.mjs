import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import fs from 'fs';
import { ProtoRegistry } from './core/api/proto_registry.ts';
const neu = createFileRegistry(fromBinary(FileDescriptorSetSchema, fs.readFileSync('/tmp/st2.binpb')));
const old = new ProtoRegistry(fs.readFileSync('core/api/gen/descriptors.binpb'), JSON.parse(fs.readFileSync('core/api/gen/descriptors.json','utf8')));
const out=[]; let nf=0,nm=0,ne=0;
for (const f of neu.files) {
  if (!f.name.startsWith('envoy/') || !/\/v3(alpha)?\//.test(f.name)) continue;
  const isOld = old.index.files[f.name+'.proto'];
  if (!isOld) { out.push('NEWFILE '+f.name+' msgs='+f.messages.map(m=>m.name)); nm+=f.messages.length; continue; }
  const walkE=(e,o)=>{ const oe=o; for (const v of e.values) if(!oe.value[v.number]) {ne++; out.push(`ENUMVAL ${e.typeName} ${v.name}=${v.number}`);} };
  const walk=(m)=>{ const om=old.getMessage(m.typeName); if(!om){out.push('NEWMSG '+m.typeName+' '+m.fields.length); nm++; return;}
    for(const x of m.fields) if(!om.fields.find(y=>y.number===x.number&&y.name===x.name)) {nf++; out.push(`FIELD ${m.typeName}.${x.name}=${x.number} ${x.oneof?'oneof '+x.oneof.name:''} ${x.message?.typeName??x.enum?.typeName??x.scalar}`);}
    for(const e of m.nestedEnums){const o=om.nestedEnums.find(y=>y.name===e.name); if(o) walkE(e,o); else out.push('NEWENUM '+e.typeName);}
    m.nestedMessages.forEach(walk); };
  f.messages.forEach(walk);
}
console.log(out.join('\n')); console.log({nf,nm,ne});
