package images

deny contains name if {
	some name in input.images
	image.registry(name) != "registry.example"
}
