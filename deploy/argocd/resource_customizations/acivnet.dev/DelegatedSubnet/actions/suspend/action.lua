-- Azure is read and never written until it is resumed.
obj.spec.suspend = true
return obj
