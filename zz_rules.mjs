import { createFileRegistry, fromBinary, getOption, toJson } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import fs from 'fs';
import { ProtoRegistry } from './core/api/proto_registry.ts';
const neu = createFileRegistry(fromBinary(FileDescriptorSetSchema, fs.readFileSync('/tmp/st2.binpb')));
const old = new ProtoRegistry(fs.readFileSync('core/api/gen/descriptors.binpb'), JSON.parse(fs.readFileSync('core/api/gen/descriptors.json','utf8')));
const rn = neu.getExtension('validate.rules'), qn=neu.getExtension('validate.required');
const vf=old.getFile('validate/validate.proto'); const ro=vf.extensions.find(e=>e.name==='rules'), qo=vf.extensions.find(e=>e.name==='required');
const s=(f,e,r)=> f.proto.options?.$unknown?.some(u=>u.no===1071)? JSON.stringify(toJson(e.message,getOption(f,e))):'';
for (const f of neu.files) { if (!/^envoy\/(config|type|extensions)\//.test(f.name)||!/\/v3/.test(f.name)) continue; if(!old.index.files[f.name+'.proto']) continue;
 const walk=m=>{const om=old.getMessage(m.typeName); if(!om) return; for(const x of m.fields){const y=om.fields.find(z=>z.number===x.number); if(!y) continue; if(y.name!==x.name) console.log('RENAME',m.typeName,y.name,x.name); const a=s(x,rn),b=s(y,ro); if(a!==b) console.log('RULE',m.typeName+'.'+x.name,'OLD',b,'NEW',a); if(x.deprecated!==y.deprecated) console.log('DEPR',m.typeName+'.'+x.name,x.deprecated); if((x.oneof?.name)!==(y.oneof?.name)) console.log('ONEOF',m.typeName,x.name,x.oneof?.name,y.oneof?.name); if(x.fieldKind!==y.fieldKind||x.scalar!==y.scalar||x.message?.typeName!==y.message?.typeName) console.log('TYPE',m.typeName,x.name)}
  for(const o of m.oneofs){const oo=om.oneofs.find(z=>z.name===o.name); if(!oo) {console.log('NEWONEOF',m.typeName,o.name);continue} const a=o.proto.options&&getOption(o,qn)===true, b=oo.proto.options&&getOption(oo,qo)===true; if(!!a!==!!b) console.log('REQ',m.typeName,o.name,a,b)} m.nestedMessages.forEach(walk)}; f.messages.forEach(walk); }
